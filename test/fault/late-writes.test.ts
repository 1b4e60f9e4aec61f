// Nothing can slip into the original between the drain mark and the RENAME, unless the lock is lost and the sentry, too. It is
// forced here: what slipped in is in the new table afterwards, except where a newer write would be lost by it; each is told.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Connection } from 'mysql2/promise';
import { Ambiguous } from '../../src/base/errors.ts';
import { Child } from '../lab/children.ts';
import { type Lab, runSql } from '../lab/lab.ts';
import {
  DB,
  kill,
  migrationArguments,
  prepare,
  SERVERS,
  start,
  startRun,
  tablesOf,
  until,
} from './fault-lab.ts';

const SCRIPT = fileURLToPath(new URL('./held-cli.ts', import.meta.url));

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
    let folder: string;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'poltergeist-late-'));
      lab = await start(spec);
      sql = await lab.primary.connect();
      await prepare(sql, 50);
      await runSql(sql, `ALTER TABLE ${DB}.items ADD UNIQUE KEY at_most_one (body, hits)`);
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    /** The lock's session dies, and somebody clears the sentry away unseen: then the application writes. */
    const slipIn = async (lock: number): Promise<void> => {
      await runSql(sql, `USE ${DB}`);
      await kill(sql, lock);
      await runSql(sql, 'SET SESSION sql_log_bin = 0');
      await runSql(sql, 'DROP TABLE items_ghs');
      await runSql(sql, 'SET SESSION sql_log_bin = 1');
      for (const statement of LATE) await runSql(sql, statement);
    };

    test('they are carried over, unless the row is newer in the new table; the operator is told each key', async () => {
      const run = startRun(lab.primary, {
        atStep: async (step, self) => {
          if (step === 'drained') await slipIn(self.threads().lock);
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
            await slipIn(self.threads().lock);
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

    /** A run in a process of its own that dies by kill -9 right after the RENAME, with late writes in the old table. */
    const dieAfterSwap = async (column: string): Promise<void> => {
      await prepare(sql, 50);
      await runSql(sql, `ALTER TABLE ${DB}.items ADD UNIQUE KEY at_most_one (body, hits)`);
      const socket = ['--serve-socket-file', join(folder, 'control.sock'), '--initially-drop-socket-file'];
      const flags = [...socket, '--verbose', '--cut-over-lock-timeout-seconds', '10'];
      const args = migrationArguments(lab.primary, column, flags);
      const child = new Child(args, { script: SCRIPT, env: { HOLD_AT: 'drained,asking', HOLD_MS: '2500' } });
      await child.waitForLine(/^HELD drained/, 60_000);
      await slipIn(Number(/connection (\d+) locks/.exec(child.stderr)?.[1]));
      await child.waitForLine(/^HELD asking/, 60_000);
      child.kill('SIGKILL');
      await child.exit;
      assert.deepEqual(
        (await tablesOf(sql)).filter((each) => /_gho$/.test(each)),
        [],
      );
    };

    test('the run dies right after the RENAME: --resume carries them over, unless newer, and tells each key', async () => {
      await dieAfterSwap('third');
      for (const statement of NEWER) await runSql(sql, statement);
      const run = startRun(lab.primary, { column: 'third', extra: ['--resume'] });
      const end = await run.ended;
      assert.ok(end instanceof Ambiguous && end.exitCode === 3, run.lines.join('\n'));
      assert.deepEqual(await lateRows(sql, 'third'), [
        '5 late 5 0 7',
        '7 newer 0 7',
        '9001 late 3 7',
        '9002 unique 0 7',
        '9003 unique 9 7',
      ]);
      const told = run.lines.filter((line) => line.includes('late write to the old table'));
      const carried = told.filter((line) => line.includes('was carried over')).map(keyIn);
      assert.deepEqual(carried.sort(), ['id=5', 'id=6', 'id=9001', 'id=9002']);
      assert.deepEqual(told.filter((line) => line.includes('NOT carried over')).map(keyIn), ['id=7']);
      assert.deepEqual(await tablesOf(sql), ['_items_del', 'items']);
    });

    test('the run dies right after the RENAME: when --resume has carried over all, the old table may go', async () => {
      await dieAfterSwap('fourth');
      const run = startRun(lab.primary, { column: 'fourth', extra: ['--resume', '--ok-to-drop-table'] });
      assert.equal(await run.ended, undefined, run.lines.join('\n'));
      assert.deepEqual(await lateRows(sql, 'fourth'), [
        '5 late 5 0 7',
        '7 late 7 0 7',
        '9001 late 3 7',
        '9002 unique 0 7',
      ]);
      assert.deepEqual(await tablesOf(sql), ['items']);
    });

    test('the run dies right after the RENAME, and the binlog is purged: the old table is kept, and that is told', async () => {
      await dieAfterSwap('fifth');
      await runSql(sql, 'FLUSH BINARY LOGS');
      // MariaDB passes over a log that somebody reads, and has not noticed yet that the dead run does not.
      const purged = async (): Promise<boolean> => {
        const logs = await runSql(sql, 'SHOW BINARY LOGS');
        if (logs.length > 1) await runSql(sql, `PURGE BINARY LOGS TO '${logs.at(-1)!.Log_name}'`);
        return logs.length === 1;
      };
      await until(purged, 'the binary logs are purged');
      const run = startRun(lab.primary, { column: 'fifth', extra: ['--resume', '--ok-to-drop-table'] });
      assert.equal(await run.ended, undefined, run.lines.join('\n'));
      assert.match(
        run.lines.join('\n'),
        /late writes cannot be looked for: .*the binlog cannot be read on from/,
      );
      assert.match(run.lines.join('\n'), /the old table is kept as `fault`.`_items_del`/);
      assert.deepEqual(await tablesOf(sql), ['_items_del', 'items']);
    });
  });
}

async function lateRows(sql: Connection, column: string): Promise<string[]> {
  const rows = await runSql(
    sql,
    `SELECT id, body, hits, ${column} FROM ${DB}.items WHERE id IN (5, 6, 7) OR id > 9000 ORDER BY id`,
  );
  return rows.map((row) => Object.values(row).join(' '));
}

function keyIn(line: string): string {
  return /id=\d+/.exec(line)?.[0] ?? line;
}
