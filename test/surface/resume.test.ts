// --resume as an operator meets it: other options than then, and what a refusal asks for. Once that is done the run goes on from
// where it was: it must not be found in the binlog then, and taken for a change of the world.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { DB, migrationArguments, prepare, start, tablesOf } from '../fault/fault-lab.ts';
import { startCli } from '../lab/children.ts';
import { type Lab, runSql } from '../lab/lab.ts';

const LEFT = ['_items_ghc', '_items_ghk', '_items_gho', 'items'];
const NARROW = 'MODIFY hits TINYINT NOT NULL, MODIFY body VARCHAR(50)';
const ADDED = 'ADD COLUMN extra INT NOT NULL DEFAULT 7';

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`--resume on ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    const folder = mkdtempSync(join(tmpdir(), 'pg-resume-'));
    const flag = join(folder, 'postpone');
    before(async () => {
      lab = await start({ flavor });
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    beforeEach(() => prepare(sql));

    const cli = (alter: string, ...more: string[]) => {
      const socket = ['--serve-socket-file', join(folder, 'sock'), '--initially-drop-socket-file'];
      const how = [...socket, '--chunk-size=10', '--alter', alter, '--verbose', ...more];
      return startCli(migrationArguments(lab.primary, 'extra', how));
    };
    const run = async (code: number, alter: string, ...more: string[]): Promise<string> => {
      const child = cli(alter, ...more);
      assert.equal((await child.exit).code, code, child.stderr);
      return child.stderr;
    };
    /** A run that is ended while its cut-over is put off: all is copied. */
    const interrupted = async (alter: string, ...more: string[]): Promise<void> => {
      writeFileSync(flag, '');
      const child = cli(alter, '--postpone-cut-over-flag-file', flag, ...more);
      await child.waitForLine(/State: postponing cut-over/, 30_000);
      child.kill('SIGTERM');
      assert.equal((await child.exit).code, 1, child.stderr);
      assert.match(
        child.stderr,
        /checkpoint success at coords=[\s\S]*to go on: the same command with --resume/,
      );
      rmSync(flag);
      assert.deepEqual(await tablesOf(sql), LEFT);
    };
    const state = async (): Promise<string> =>
      JSON.stringify(await runSql(sql, `SELECT run_id, written_at_ms, state FROM ${DB}._items_ghk`));
    const hits = async (id: number): Promise<number> =>
      Number((await runSql(sql, `SELECT hits FROM ${DB}.items WHERE id = ${id}`))[0]?.hits);

    test('with fewer columns in --allow-lossy it is refused: what is copied may have lost data; with more it goes on', async () => {
      await runSql(sql, `UPDATE ${DB}.items SET hits = 1000 WHERE id = 5`);
      await interrupted(NARROW, '--allow-lossy', 'hits');
      const before = await state();
      for (const lossy of [[], ['--allow-lossy', 'body']]) {
        const said = await run(2, NARROW, '--resume', ...lossy);
        assert.match(
          said,
          /the run before had --allow-lossy for hits, and `fault`.`_items_gho` may hold values of it that were cut or changed/,
        );
        assert.match(said, /Nothing was touched. refusal=other-options\n.*hint: Add --allow-lossy hits/);
        assert.deepEqual(await tablesOf(sql), LEFT);
        assert.equal(await state(), before);
      }
      const said = await run(0, NARROW, '--resume', '--allow-lossy', 'body,hits');
      assert.match(said, /Resuming from checkpoint/);
      assert.match(said, /the verification starts over: other columns/);
      assert.equal(await hits(5), 127);
    });

    test('a run that came to a value that does not fit goes on with --allow-lossy, and is held to it from there on', async () => {
      await runSql(sql, `UPDATE ${DB}.items SET hits = 1000 WHERE id = 250`);
      assert.match(await run(1, NARROW), /hits/);
      assert.deepEqual(await tablesOf(sql), LEFT);
      await interrupted(NARROW, '--resume', '--allow-lossy', 'hits');
      assert.match(await run(2, NARROW, '--resume'), /refusal=other-options/);
      assert.match(await run(0, NARROW, '--resume', '--allow-lossy', 'hits'), /Resuming from checkpoint/);
      assert.equal(await hits(250), 127);
    });

    for (const [what, refusal, make, undo] of [
      [
        'a table in the place of the old one is renamed',
        'old-exists',
        'CREATE TABLE _items_del (a INT)',
        'RENAME TABLE _items_del TO mine',
      ],
      [
        'a trigger is dropped',
        'triggers',
        'CREATE TRIGGER tr AFTER DELETE ON items FOR EACH ROW SET @x = 1',
        'DROP TRIGGER tr',
      ],
      [
        'a foreign key to the table is dropped',
        'foreign-key-parent',
        'CREATE TABLE child (p INT, CONSTRAINT fk FOREIGN KEY (p) REFERENCES items (id))',
        'ALTER TABLE child DROP FOREIGN KEY fk',
      ],
    ] as const)
      test(`${what}, as the refusal says: the run goes on, and does not find that in the binlog and remove all`, async () => {
        await interrupted(ADDED);
        await runSql(sql, `USE ${DB}`);
        await runSql(sql, make);
        assert.match(await run(2, ADDED, '--resume'), new RegExp(`refusal=${refusal}`));
        await runSql(sql, undo);
        assert.match(await run(0, ADDED, '--resume'), /Resuming from checkpoint/);
      });

    test('a definition that was changed and changed back: the refusal says what, and that nothing helps; nothing stays then', async () => {
      await interrupted(ADDED);
      await runSql(sql, `ALTER TABLE ${DB}.items MODIFY body VARCHAR(61)`);
      const said = await run(2, ADDED, '--resume');
      assert.match(
        said,
        /has another definition than when the migration began: then `body` varchar\(60\).*, now `body` varchar\(61\)/,
      );
      assert.match(said, /even if it is changed back/);
      await runSql(sql, `ALTER TABLE ${DB}.items MODIFY body VARCHAR(60)`);
      assert.match(
        await run(1, ADDED, '--resume'),
        /somebody changed the schema .*MODIFY body[\s\S]*does not fit it any more, and is removed/,
      );
      assert.deepEqual(await tablesOf(sql), ['items']);
    });
  });
}
