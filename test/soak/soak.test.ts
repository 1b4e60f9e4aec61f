// A few migrations of the soak, with seeds that bring a kill, a resume and broken connections; the figures of long runs
// come from `npm run soak`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Flavor, runSql, startLab } from '../lab/lab.ts';
import { Random } from '../lab/random.ts';
import { runningServerUrl } from '../lab/running-server.ts';
import { makeRandomAlter } from './alter.ts';
import { DATABASE } from './plan.ts';
import { soak } from './series.ts';
import { createSql, makeRandomTable } from './table.ts';

const SEEDS: Readonly<Record<Flavor, number>> = { mysql: 129, mariadb: 129 };

/** Changes that are tried on an empty table. */
const CHANGES = 60;

for (const flavor of ['mysql', 'mariadb'] as const) {
  // A column was once given two clauses, and an index the name that a column had before: migrations that could not be.
  test(`the server takes every change that a soak may make, ${flavor}`, async () => {
    const lab = await startLab({ flavor, fast: true });
    const sql = await lab.primary.connect();
    try {
      await runSql(sql, `DROP DATABASE IF EXISTS ${DATABASE}`);
      await runSql(sql, `CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4`);
      for (let seed = 0; seed < CHANGES; seed++) {
        const random = new Random(seed * 2_654_435_761);
        const table = makeRandomTable({ flavor, name: `t${seed}`, rows: 0 }, random);
        const { sql: alter } = makeRandomAlter(table, 'mark', random);
        await runSql(sql, createSql(table, DATABASE));
        await runSql(sql, `ALTER TABLE ${DATABASE}.t${seed} ${alter}`);
      }
    } finally {
      await sql.end();
      await lab.stop();
    }
  });

  test(`migrations under faults lose nothing, ${flavor}`, {
    // Servers that somebody else runs are not killed.
    skip: runningServerUrl(flavor) !== undefined,
  }, async (t) => {
    const said: string[] = [];
    const spec = { migrations: 2, seed: SEEDS[flavor], flavors: [flavor] };
    const { report, failures } = await soak(
      spec,
      (text) => t.diagnostic(text.slice(0, 300)),
      (text) => said.push(text),
    );
    assert.equal(failures.length, 0, said.join('\n'));
    assert.equal(report.lost + report.phantom + report.differing, 0);
  });
}
