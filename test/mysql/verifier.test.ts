// Whole migrations whose ghost is damaged behind our back, whose applier is broken, or whose original is
// written to without a trace: the verification must find each, and must find nothing where nothing is.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it, mock } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { SqlVerifyStore } from '../../src/mysql/verify-store.ts';
import { statusLine } from '../../src/ops/status.ts';
import { statusFields } from '../../src/ops/status-json.ts';
import { type Flavor, type Lab, type LabServer, runSql, startLab } from '../lab/lab.ts';
import { forgetSyncs } from './broken-applier.ts';
import { connectLax, Run, type RunSpec, tablesOf } from './migrate-run.ts';

const schema = 'verified';
const rows = 2000;
const renames = '--approve-renamed-columns';
const alter = `MODIFY id BIGINT NOT NULL, MODIFY name VARCHAR(40) CHARACTER SET utf8mb4 NOT NULL,
  CHANGE price cost DECIMAL(12,1)`;

/** Columns of a key, and what an ALTER does to them. */
const keyChanges = [
  ['a, b', 'DROP PRIMARY KEY, ADD PRIMARY KEY (b, a)'],
  ['a', 'MODIFY a DECIMAL(12,2) NOT NULL'],
  ['d', 'MODIFY d DATETIME(3) NOT NULL'],
  ['s', 'MODIFY s VARCHAR(9) CHARACTER SET utf8mb4 NOT NULL'],
] as const;

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`verification, ${flavor}`, () => {
    let lab: Lab;
    let db: Connection;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
      db = await connectLax(lab.primary);
      await runSql(db, `CREATE DATABASE ${schema} CHARACTER SET utf8mb4`);
      await runSql(db, `USE ${schema}`);
    });
    afterEach(() => mock.restoreAll());
    after(async () => {
      await db?.end();
      await lab?.stop();
    });

    it('finds rows deleted, added and changed in the ghost, and writes without a binlog', async () => {
      await fill(db);
      const run = heldAfterCopy(lab.primary, {
        schema,
        table: 't',
        alter,
        postpone: true,
        options: [renames],
      });
      await run.until('the hold', (now) => now.copyComplete && now.throttled !== null);
      await runSql(db, 'DELETE FROM _t_gho WHERE id = 11');
      await runSql(db, "INSERT INTO _t_gho (id, name) VALUES (-5, 'extra')");
      await runSql(db, "UPDATE _t_gho SET name = '' WHERE id = 12");
      await runSql(db, 'UPDATE _t_gho SET cost = NULL WHERE id = 13');
      // Two values swapped between two rows: the sum of linear checksums would not change.
      await runSql(db, 'UPDATE _t_gho SET cost = IF(id = 14, 15.0, 14.0) WHERE id IN (14, 15)');
      await runSql(db, 'SET sql_log_bin = 0');
      await runSql(db, 'UPDATE t SET price = 7 WHERE id = 16');
      await runSql(db, 'DELETE FROM t WHERE id = 17');
      await runSql(db, 'SET sql_log_bin = 1');
      run.migrator.unthrottle();
      const now = await run.postponed();
      assert.deepEqual([now.differencesFound, now.differencesRepaired], [8, 8], run.lines.join('\n'));
      const told = run.lines.filter((line) => line.includes('no change explains it'));
      for (const [key, column] of [
        ['11', 'the ghost has no such row'],
        ['-5', 'only the ghost has it'],
        ['12', 'name'],
        ['13', 'price'],
        ['14', 'price'],
        ['15', 'price'],
        ['16', 'price'],
        ['17', 'only the ghost has it'],
      ] as const)
        assert.ok(
          told.some((line) => line.includes(`"id=${key}"`) && line.includes(`"${column}"`)),
          `${key} is told:\n${told.join('\n')}`,
        );
      await run.finish(8);
      assert.equal(await mismatches(db), 0);
    });

    it('repairs what a broken applier has dropped once, and fails when it is dropped again', async () => {
      await fill(db);
      forgetSyncs(42, 1);
      const run = new Run(lab.primary, { schema, table: 't', alter, postpone: true, options: [renames] });
      await run.postponed();
      await runSql(db, 'UPDATE t SET price = 4.2 WHERE id IN (41, 42)');
      await run.until('the repair', (now) => now.differencesRepaired === 1);
      assert.match(run.lines.join('\n'), /no change explains it.*"key":"id=42","columns":\["price"\]/);
      mock.restoreAll();
      forgetSyncs(42, 1000);
      await runSql(db, 'UPDATE t SET price = 4.3 WHERE id IN (41, 42)');
      const error = await run.failure();
      assert.match(error.message, /row id=42 differs from the original again \(price\)/);
      assert.match(error.hint ?? '', /untouched/);
      // What was found stays where it can be looked at, and nothing was swapped.
      const tables = await tablesOf(db, schema);
      assert.ok(tables.includes('_t_gho') && !tables.includes('_t_del'), tables.join());
    });

    it('a row repaired while the cut-over is put off: everything is compared once more before it (HAZARDS 67)', async () => {
      await fill(db);
      const run = new Run(lab.primary, { schema, table: 't', alter, postpone: true, options: [renames] });
      await run.postponed();
      await runSql(db, "UPDATE _t_gho SET name = 'spoiled' WHERE id IN (7, 42)");
      // The change of one brings to light what a broken sync leaves; nothing brings the other.
      forgetSyncs(42, 1);
      await runSql(db, 'UPDATE t SET price = price + 1 WHERE id = 42');
      const now = await run.until('the second repair', (each) => each.differencesRepaired === 2);
      assert.equal(now.phase, 'waiting');
      assert.match(run.lines.join('\n'), /repaired after the verification: everything is compared once more/);
      await run.finish(2);
      assert.equal(await mismatches(db), 0);
    });

    it('tells how far it is and what remains, and goes on from there', async () => {
      await fill(db);
      for (const step of [2000, 4000, 8000])
        await runSql(db, `INSERT INTO t (id, name, price) SELECT id + ${step}, name, price FROM t`);
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const { compareRange } = SqlVerifyStore.prototype;
      let chunks = 0;
      mock.method(
        SqlVerifyStore.prototype,
        'compareRange',
        async function (this: SqlVerifyStore, ...args: Parameters<typeof compareRange>) {
          chunks += 1;
          if (chunks > 2) await held;
          return await compareRange.apply(this, args);
        },
      );
      const run = new Run(lab.primary, { schema, table: 't', alter, postpone: true, options: [renames] });
      const now = await run.until(
        'a part',
        (each) => each.phase === 'verifying' && each.rowsVerified >= 2000,
      );
      const [{ n } = {}] = await runSql(db, 'SELECT COUNT(*) AS n FROM t');
      assert.equal(now.rowsToVerify, Number(n));
      assert.ok(now.rowsVerified < now.rowsToVerify, `${now.rowsVerified}`);
      assert.ok(now.verifyEtaMs !== null && now.verifyEtaMs > 0, JSON.stringify(now));
      const percent = ((100 * now.rowsVerified) / now.rowsToVerify).toFixed(1);
      assert.match(statusLine(now), new RegExp(`State: verifying, ${percent}%; ETA: \\S+$`));
      const facts = { exists: () => false, additionalFlagFile: null };
      const told = statusFields(now, facts);
      assert.deepEqual(
        [told.state, told.rowsVerified, told.verifyEtaMs],
        [`verifying, ${percent}%`, now.rowsVerified, now.verifyEtaMs],
      );
      release();
      const done = await run.postponed();
      assert.deepEqual([done.rowsVerified, done.rowsToVerify, done.verifyEtaMs], [Number(n), Number(n), 0]);
      await run.finish();
    });

    it('raises no alarm under eight writers, and compares hot rows under the lock', async () => {
      await fill(db);
      const writers = await Promise.all(Array.from({ length: 8 }, () => connectLax(lab.primary)));
      let stop = false;
      const work = writers.map((each, i) => write(each, i, () => stop));
      const run = new Run(lab.primary, {
        schema,
        table: 't',
        alter,
        options: [renames, '--chunk-size', '100'],
      });
      try {
        const done = await run.finish();
        assert.deepEqual([done.differencesFound, done.verifySkipped], [0, 0], run.lines.join('\n'));
        assert.match(run.lines.join('\n'), /verified under the lock: [1-9]/);
      } finally {
        stop = true;
        await Promise.allSettled(work);
        await Promise.all(writers.map((each) => each.end()));
        await run.stop();
      }
    });

    it('says that it compares a sample, or nothing', async () => {
      await fill(db);
      const options = [renames, '--verify=sample:50', '--chunk-size', '100'];
      const sampled = new Run(lab.primary, { schema, table: 't', alter, options });
      const now = await sampled.finish();
      assert.ok(now.rowsVerified > 0);
      assert.match(sampled.lines.join('\n'), /verified: \d+ rows/);
      await fill(db);
      const off = new Run(lab.primary, { schema, table: 't', alter, options: [renames, '--verify=off'] });
      assert.equal((await off.finish()).rowsVerified, 0);
      assert.doesNotMatch(off.lines.join('\n'), /verified: /);
    });

    it('finds the rows of keys that are converted, in another order, or dates', async () => {
      for (const [key, change] of keyChanges) {
        await runSql(db, 'DROP TABLE IF EXISTS _t_gho, _t_ghc, _t_ghk, _t_del, t');
        await runSql(
          db,
          `CREATE TABLE t (a INT, b INT, d DATE, s VARCHAR(9) CHARACTER SET latin1, v INT,
             PRIMARY KEY (${key}))`,
        );
        const values = [1, 2, 3, 4].map((i) => `(${i}, ${9 - i}, '2020-01-0${i}', 'k\u00e9${i}', ${i})`);
        await runSql(db, `INSERT INTO t VALUES ${values.join(',')}`);
        const run = heldAfterCopy(lab.primary, { schema, table: 't', alter: change, postpone: true });
        await run.until('the hold', (each) => each.copyComplete && each.throttled !== null);
        await runSql(db, 'UPDATE _t_gho SET v = 20 WHERE v = 2');
        await runSql(db, 'DELETE FROM _t_gho WHERE v = 3');
        run.migrator.unthrottle();
        await run.postponed();
        await runSql(db, 'UPDATE t SET v = 10 WHERE v = 1');
        const now = await run.until(
          'the looks',
          (each) => each.verifyWaiting === 0 && each.changesReceived > 0,
        );
        assert.deepEqual(
          [now.differencesFound, now.differencesRepaired],
          [2, 2],
          `${change}: ${run.lines.join('\n')}`,
        );
        await run.finish(2);
        assert.deepEqual(await runSql(db, 'SELECT v FROM t ORDER BY v'), [
          { v: 2 },
          { v: 3 },
          { v: 4 },
          { v: 10 },
        ]);
      }
    });

    it('follows keys that only the server can order', async () => {
      await runSql(db, 'DROP TABLE IF EXISTS _t_gho, _t_ghc, _t_ghk, _t_del, t');
      await runSql(db, 'CREATE TABLE t (k VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY, v INT)');
      await runSql(db, `INSERT INTO t SELECT CONCAT('Key', id), id FROM old LIMIT 300`);
      const run = heldAfterCopy(lab.primary, {
        schema,
        table: 't',
        alter: 'MODIFY v BIGINT',
        postpone: true,
      });
      await run.until('the hold', (each) => each.copyComplete && each.throttled !== null);
      await runSql(db, "UPDATE _t_gho SET k = 'kEY7' WHERE k = 'Key7'");
      await runSql(db, "DELETE FROM _t_gho WHERE k = 'Key8'");
      await runSql(db, "UPDATE t SET k = 'keY9' WHERE k = 'Key9'");
      run.migrator.unthrottle();
      await run.postponed();
      await runSql(db, "UPDATE t SET k = 'KEY10' WHERE k = 'Key10'");
      const now = await run.until('the looks', (each) => each.verifyWaiting === 0);
      // One row under two spellings: both are named.
      assert.deepEqual([now.differencesFound, now.differencesRepaired], [3, 3], run.lines.join('\n'));
      await run.finish(3);
      const [old, fresh] = [await keysOf(db, '_t_del'), await keysOf(db, 't')];
      assert.deepEqual(fresh, old);
    });
  });
}

async function fill(db: Connection): Promise<void> {
  await runSql(db, 'DROP TABLE IF EXISTS _t_gho, _t_ghc, _t_ghk, _t_del, t, old');
  await runSql(
    db,
    `CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(40) CHARACTER SET latin1 NOT NULL,
       price DECIMAL(12,4))`,
  );
  const values = Array.from(
    { length: rows },
    (_, i) => `(${i + 1}, 'caf\u00e9 ${i}', ${i % 7 ? i + 1 : 'NULL'})`,
  );
  await runSql(db, `INSERT INTO t VALUES ${values.join(',')}`);
  await runSql(db, 'CREATE TABLE old LIKE t');
  await runSql(db, 'INSERT INTO old SELECT * FROM t');
}

/** A run that is throttled in the moment in which the copy is complete, before anything is verified. */
function heldAfterCopy(server: LabServer, spec: RunSpec): Run {
  const run = new Run(server, spec);
  const push = run.lines.push.bind(run.lines);
  run.lines.push = (line) => {
    if (line.startsWith('Row copy complete')) run.migrator.throttle();
    return push(line);
  };
  return run;
}

/** Rows of the new table that are not what the old one has. */
async function mismatches(db: Connection): Promise<number> {
  const [found] = await runSql(
    db,
    `SELECT COUNT(*) AS n FROM _t_del o LEFT JOIN t n ON n.id = o.id
      WHERE NOT (n.cost <=> CAST(o.price AS DECIMAL(12,1))) OR n.name <> o.name OR n.id IS NULL`,
  );
  const [counts] = await runSql(db, 'SELECT (SELECT COUNT(*) FROM t) - (SELECT COUNT(*) FROM _t_del) AS n');
  return Number(found?.n) + Math.abs(Number(counts?.n));
}

async function keysOf(db: Connection, table: string): Promise<string[]> {
  const found = await runSql(db, `SELECT HEX(k) AS k, v FROM ${table} ORDER BY v`);
  return found.map(({ k, v }) => `${k}=${v}`);
}

/** Changes, inserts and deletes all over the table; one row again and again. */
async function write(db: Connection, writer: number, stopped: () => boolean): Promise<void> {
  await runSql(db, `USE ${schema}`);
  for (let i = 0; !stopped(); i += 1) {
    const id = 1 + ((i * 37 + writer * 251) % rows);
    try {
      await runSql(db, `UPDATE t SET name = 'w${writer} ${i}' WHERE id IN (${id}, 1)`);
      await runSql(db, `DELETE FROM t WHERE id = ${rows + 10 + ((i * 8 + writer) % 400)}`);
      await runSql(
        db,
        `INSERT IGNORE INTO t (id, name) VALUES (${rows + 10 + ((i * 8 + writer) % 400)}, 'new')`,
      );
    } catch (error) {
      // Two writers meet at the same rows.
      if (!/Deadlock|Record has changed|Lock wait/.test(String(error))) throw error;
    }
  }
}
