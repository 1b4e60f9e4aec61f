// Nothing can slip into the original between the drain mark and the RENAME, unless the lock is lost and the sentry, too. It is
// forced here: what slipped in is in the new table afterwards, except where a newer write would be lost by it; each is told.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { Ambiguous } from '../../src/base/errors.ts';
import { type Lab, runSql } from '../lab/lab.ts';
import { DB, kill, prepare, type Run, SERVERS, start, startRun, tablesOf } from './fault-lab.ts';

const LATE = [
  "UPDATE items SET body = CONCAT('late ', id) WHERE id IN (5, 7)",
  'DELETE FROM items WHERE id = 6',
  "INSERT INTO items (id, body, hits) VALUES (9001, 'late', 3), (9002, 'unique', 0)",
];
const NEWER = [
  "UPDATE items SET body = 'newer' WHERE id = 7",
  "INSERT INTO items (id, body, hits) VALUES (9003, 'unique', 9)",
];

for (const { name, spec } of SERVERS.filter((_, index) => index !== 1)) {
  describe(`late writes on ${name}`, () => {
    let lab: Lab;
    let sql: Connection;
    before(async () => {
      lab = await start(spec);
      sql = await lab.primary.connect();
      await prepare(sql, 50);
      await runSql(sql, `ALTER TABLE ${DB}.items ADD UNIQUE KEY at_most_one (body, hits)`);
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
    });

    /** The lock's session dies, and somebody clears the sentry away unseen: then the application writes. */
    const slipIn = async (run: Run): Promise<void> => {
      await runSql(sql, `USE ${DB}`);
      await kill(sql, run.threads().lock);
      await runSql(sql, 'SET SESSION sql_log_bin = 0');
      await runSql(sql, 'DROP TABLE items_ghs');
      await runSql(sql, 'SET SESSION sql_log_bin = 1');
      for (const statement of LATE) await runSql(sql, statement);
    };

    test('they are carried over, unless the row is newer in the new table; the operator is told each key', async () => {
      const run = startRun(lab.primary, {
        atStep: async (step, self) => {
          if (step === 'drained') await slipIn(self);
          if (step === 'asking') for (const statement of NEWER) await runSql(sql, statement);
        },
      });
      // Acknowledged writes that are in the old table only are never a success.
      const end = await run.ended;
      assert.ok(end instanceof Ambiguous && end.exitCode === 3, run.lines.join('\n'));
      const rows = await runSql(
        sql,
        `SELECT id, body, hits, extra FROM items WHERE id IN (5, 6, 7) OR id > 9000 ORDER BY id`,
      );
      assert.deepEqual(
        rows.map((row) => Object.values(row).join(' ')),
        ['5 late 5 0 7', '7 newer 0 7', '9001 late 3 7', '9002 unique 0 7', '9003 unique 9 7'],
      );
      const told = run.lines.filter((line) => line.includes('late write to the old table'));
      const carried = told.filter((line) => line.includes('was carried over')).map(keyIn);
      const kept = told.filter((line) => line.includes('NOT carried over')).map(keyIn);
      assert.deepEqual(carried.sort(), ['id=5', 'id=6', 'id=9001', 'id=9002']);
      assert.deepEqual(kept, ['id=7']);
      assert.deepEqual(await tablesOf(sql), ['_items_del', 'items']);
    });

    test('one whose unique value another row of the new table has by now is told, and displaces nobody', async () => {
      await runSql(sql, 'DROP TABLE _items_del');
      await runSql(sql, 'DELETE FROM items WHERE id > 9000');
      const run = startRun(lab.primary, {
        column: 'second',
        atStep: async (step, self) => {
          if (step === 'drained') {
            await slipIn(self);
            await runSql(sql, "INSERT INTO items (id, body, hits) VALUES (9010, 'taken', 1)");
          }
          if (step === 'asking')
            await runSql(sql, "INSERT INTO items (id, body, hits) VALUES (9011, 'taken', 1)");
        },
      });
      // Acknowledged writes that are in the old table only are never a success.
      const end = await run.ended;
      assert.ok(end instanceof Ambiguous && end.exitCode === 3, run.lines.join('\n'));
      const rows = await runSql(sql, 'SELECT id FROM items WHERE id > 9005');
      assert.deepEqual(rows, [{ id: 9011 }]);
      const kept = run.lines.filter((line) => line.includes('NOT carried over'));
      assert.match(kept.join('\n'), /duplicate entry .*id=9010/);
    });
  });
}

function keyIn(line: string): string {
  return /id=\d+/.exec(line)?.[0] ?? line;
}
