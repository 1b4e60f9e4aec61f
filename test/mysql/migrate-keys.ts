// The tests of migrations by any key, one file a flavor: see migrate-keys-mysql.test.ts.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import { assertSameRows } from './migrate-compare.ts';
import { type KeyPool, keyPools } from './migrate-key-pools.ts';
import { connectLax, Run } from './migrate-run.ts';
import { Writers, type WrittenTable } from './migrate-writers.ts';

const schema = 'matrix';
/** How long writers go on after everything is copied. */
const afterCopyMs = 150;
const perInsert = 200;

/** The tests of one flavor. */
export function testKeys(flavor: Flavor): void {
  describe(`a live table is migrated by any key, ${flavor}`, { concurrency: 2 }, () => {
    let lab: Lab;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
      const connection = await lab.primary.connect();
      await runSql(connection, `CREATE DATABASE ${schema} CHARACTER SET utf8mb4`);
      await connection.end();
    });
    after(() => lab?.stop());

    for (const [i, pool] of keyPools(flavor).entries()) {
      const columns = pool.columns.map((type) => type.slice(0, 66)).join(', ');
      // A second unique key has syncs delete and insert; without one they replace: both must be right for every type.
      const swaps = i % 3 !== 0;
      test(`HAZARDS 9, 19-24, 26, 30, 110: (${columns})${swaps ? ', unique u' : ''}`, async (t) => {
        const connection = await connectLax(lab.primary);
        try {
          t.diagnostic(await migrateUnderLoad(lab, connection, `t${i}`, pool, swaps));
        } finally {
          connection.destroy();
        }
      });
    }
  });
}

async function create(connection: Connection, name: string, key: KeyPool, swaps: boolean): Promise<void> {
  const columns = key.columns.map((type, i) => `k${i} ${type} NOT NULL`);
  const parts = key.parts ?? key.columns.map((_, i) => `k${i}`);
  const unique = swaps ? 'u BIGINT NOT NULL, UNIQUE KEY (u),' : '';
  await runSql(
    connection,
    `CREATE TABLE ${schema}.${name} (v INT NOT NULL, ${columns.join(', ')}, ${unique}
       note VARCHAR(40), PRIMARY KEY (${parts.join(', ')}))`,
  );
  const half = key.pool.filter((_, i) => i % 2 === 0);
  const names = [...key.columns.map((_, i) => `k${i}`), ...(swaps ? ['u'] : []), 'v', 'note'].join(', ');
  for (let at = 0; at < half.length; at += perInsert) {
    const rows = half
      .slice(at, at + perInsert)
      .map((literals, i) => `(${[...literals, ...(swaps ? [at + i] : []), 0, `'old'`].join(', ')})`);
    await runSql(connection, `INSERT IGNORE INTO ${schema}.${name} (${names}) VALUES ${rows.join(', ')}`);
  }
}

async function migrateUnderLoad(
  lab: Lab,
  connection: Connection,
  name: string,
  key: KeyPool,
  swaps: boolean,
): Promise<string> {
  await create(connection, name, key, swaps);
  const table: WrittenTable = {
    ...{ schema, name, swaps, pool: key.pool },
    key: key.columns.map((_, i) => `k${i}`),
  };
  const writers = new Writers(lab.primary, table, { writers: 4, pauseMs: 0 });
  const alter = 'ADD COLUMN added INT NOT NULL DEFAULT 7 FIRST, MODIFY note VARCHAR(80)';
  const run = new Run(lab.primary, {
    schema,
    table: name,
    alter,
    postpone: true,
    options: ['--chunk-size', '10'],
  });
  try {
    // At full speed while it copies; the verifier would wait long for keys that hot.
    await run.reach('verifying');
    writers.pauseMs = 5;
    const copied = await run.postponed();
    await sleep(afterCopyMs);
    await writers.stop();
    const end = await run.finish();
    const columns = [...table.key, ...(swaps ? ['u'] : []), 'v', 'note'];
    const rows = await assertSameRows(connection, schema, [`_${name}_del`, name], columns);
    assert.ok(rows > 0 && copied.changesReceived > 0 && end.keysApplied > 0);
    const copyMs = Math.round(end.copyElapsedMs);
    return `${rows} rows, ${writers.total} writes, ${end.changesReceived} changes, copy ${copyMs} ms`;
  } finally {
    await writers.stop().catch(() => undefined);
    await run.stop();
  }
}
