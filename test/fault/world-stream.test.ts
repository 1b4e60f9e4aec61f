// Sessions and servers write their binlogs in many ways, and change them while we read: lean row images, compressed transactions,
// partial JSON, other checksums, new files. It is all the same to us, or the run ends and says what has to be otherwise.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type Lab, runSql } from '../lab/lab.ts';
import { FaultProxy } from '../lab/proxy.ts';
import { contents, DB, hasColumn, kill, prepare, start, startRun, until } from './fault-lab.ts';
import {
  assertFails,
  assertSameAsOld,
  finish,
  inSession,
  POSTPONED,
  reachWaiting,
  startWaiting,
  WORLDS,
  writesTo,
} from './world-lab.ts';

for (const { name, spec } of WORLDS) {
  const isMysql = spec.flavor === 'mysql';
  describe(`the ways of the binlog under a migration on ${name}`, () => {
    let lab: Lab;
    let sql: Connection;
    before(async () => {
      lab = await start(spec);
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
    });

    const json = (id: number): string =>
      `UPDATE ${DB}.items SET j = JSON_REPLACE(j, '$.n', ${id}) WHERE id BETWEEN ${id} AND ${id + 5}`;
    /** Each in a session of its own: statements that set it up, then writes to rows of its own from the given one on. */
    const ways: readonly { readonly set: string; readonly unset?: string; readonly id: number }[] = [
      { set: "SET SESSION binlog_row_image = 'MINIMAL'", id: 10 },
      { set: "SET SESSION binlog_row_image = 'NOBLOB'", id: 20 },
      { set: 'SET GLOBAL binlog_checksum = NONE', id: 30 },
      { set: 'SET GLOBAL binlog_checksum = CRC32', id: 40 },
      { set: 'FLUSH BINARY LOGS', id: 50 },
      isMysql
        ? { set: 'SET SESSION binlog_transaction_compression = 1', id: 60 }
        : { set: 'SET GLOBAL log_bin_compress = 1', unset: 'SET GLOBAL log_bin_compress = 0', id: 60 },
      { set: isMysql ? "SET SESSION binlog_row_value_options = 'PARTIAL_JSON'" : 'DO 1', id: 70 },
    ];
    const writeAllWays = async (offset: number): Promise<void> => {
      for (const { set, unset, id } of ways) {
        const writes = [...writesTo(id + offset, 'written '.repeat(7).trim()), json(id + offset + 2)];
        await inSession(lab.primary, set, ...writes, ...(unset === undefined ? [] : [unset]));
      }
    };

    test('HAZARDS 35, 36, 37, 111: all of them, during the copy and after it: the new table is the old one', async (t) => {
      await prepare(sql, 200);
      await runSql(sql, `ALTER TABLE ${DB}.items ADD COLUMN j JSON`);
      await runSql(sql, `UPDATE ${DB}.items SET j = JSON_OBJECT('n', 0, 'long', REPEAT('x', 200))`);
      const run = startRun(lab.primary, { extra: [...POSTPONED, '--chunk-size', '40'] });
      t.after(() => run.stop());
      run.migrator.throttle();
      await until(() => run.migrator.snapshot().phase === 'copying', 'the copy');
      await writeAllWays(0);
      run.migrator.unthrottle();
      await reachWaiting(run);
      await writeAllWays(100);
      await finish(run);
      await assertSameAsOld(sql);
      const documents = (table: string): Promise<unknown> =>
        runSql(sql, `SELECT id, CAST(j AS CHAR) AS j FROM ${DB}.${table} ORDER BY id`);
      assert.deepEqual(await documents('items'), await documents('_items_del'));
    });

    for (const image of ['MINIMAL', 'NOBLOB'] as const) {
      test(`HAZARDS 35: ${image} images where the migration key is not the primary key`, async (t) => {
        await prepare(sql, 1);
        await runSql(sql, `DROP TABLE ${DB}.items`);
        const columns = 'id INT PRIMARY KEY, u BINARY(8) NOT NULL, body TEXT, hits INT, UNIQUE KEY (u)';
        await runSql(sql, `CREATE TABLE ${DB}.items (${columns})`);
        await runSql(sql, `INSERT INTO ${DB}.items VALUES (1, 'one', 'a', 1), (2, 'two', 'b', 2)`);
        const alter = 'DROP PRIMARY KEY, ADD COLUMN extra INT NOT NULL DEFAULT 7, MODIFY id BIGINT NULL';
        const run = await startWaiting(lab.primary, { extra: ['--alter', alter] });
        t.after(() => run.stop());
        const set = `SET SESSION binlog_row_image = '${image}'`;
        await inSession(lab.primary, set, `UPDATE ${DB}.items SET hits = 10 WHERE id = 1`);
        if (image === 'MINIMAL') {
          const said = {
            message: /does not have the columns of the migration key/,
            hint: /binlog_row_image=FULL/,
          };
          await assertFails(run, said, image);
          assert.equal(await hasColumn(sql, 'extra'), false);
        } else {
          await finish(run);
          await assertSameAsOld(sql);
        }
        assert.match(await contents(sql, 'items'), /"hits":10/);
      });
    }

    test('HAZARDS 42: binlogs are purged while the stream is cut off', async (t) => {
      await prepare(sql, 50);
      const rows = await contents(sql, 'items');
      const proxy = await FaultProxy.start(lab.primary);
      t.after(() => proxy.stop());
      const run = await startWaiting({ ...lab.primary, host: proxy.host, port: proxy.port });
      t.after(() => run.stop());
      proxy.refuse();
      for (const row of await runSql(sql, 'SHOW PROCESSLIST'))
        if (/^binlog dump/i.test(String(row.Command))) await kill(sql, Number(row.Id));
      await until(() => run.lines.some((line) => /change stream: connecting again/.test(line)), 'the cut');
      // Something that the stream has not read must be in the file that goes: a purge of what it has is no loss.
      await inSession(lab.primary, `CREATE TABLE ${DB}.elsewhere (id INT PRIMARY KEY)`, 'FLUSH BINARY LOGS');
      // A file stays while a reader is in it, or while the server may need it after a crash.
      const purged = async (): Promise<boolean> => {
        const last = (await runSql(sql, 'SHOW BINARY LOGS')).at(-1)?.Log_name;
        await runSql(sql, `PURGE BINARY LOGS TO '${String(last)}'`);
        return (await runSql(sql, 'SHOW BINARY LOGS')).length === 1;
      };
      await until(purged, 'the purge');
      await proxy.accept();
      await assertFails(run, { message: /change stream/, hint: /purged.*Start over/ }, 'purged');
      assert.equal(await contents(sql, 'items'), rows);
      assert.equal(await hasColumn(sql, 'extra'), false);
    });
  });
}
