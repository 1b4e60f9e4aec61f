// A run that is killed before it has copied anything: while it tries things out, and between its first tables. What it leaves is
// known for ours, so that the operator simply starts again, goes on, or cleans up; what others have made stays.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Connection } from 'mysql2/promise';
import { Child, startCli } from '../lab/children.ts';
import { type Lab, runSql } from '../lab/lab.ts';
import { DB, endsWell, hasColumn, migrationArguments, prepare, start, tablesOf } from './fault-lab.ts';

const SCRIPT = fileURLToPath(new URL('./held-cli.ts', import.meta.url));
/** What the first try of anything leaves, and what a twin leaves. */
const TWIN = ['_items_ghp', '_items_ght', 'items'];

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`killed early on ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    let folder: string;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'pg-early-'));
      lab = await start({ flavor });
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    beforeEach(() => prepare(sql));

    const socket = () => ['--serve-socket-file', join(folder, 'sock'), '--initially-drop-socket-file'];
    const args = (...flags: string[]): string[] =>
      migrationArguments(lab.primary, 'extra', [...socket(), ...flags]);
    /** Kills a run (SIGKILL) right before a statement. */
    const killBefore = async (statement: string, ...flags: string[]): Promise<void> => {
      const env = { HOLD_BEFORE: statement, HOLD_MS: '60000' };
      const child = new Child(args(...flags), { script: SCRIPT, env });
      await child.waitForLine(/^HELD/, 30_000);
      child.kill('SIGKILL');
      await child.exit;
    };
    const run = async (code: number, ...flags: string[]): Promise<string> => {
      const child = startCli(args(...flags));
      assert.equal((await child.exit).code, code, child.stderr);
      return child.stderr + child.stdout;
    };
    const cleanUp = async (...flags: string[]): Promise<string> => {
      const place = args().slice(0, args().indexOf('--alter'));
      const child = startCli(['cleanup', ...place, ...flags]);
      await endsWell(child);
      return child.stdout;
    };

    test('with a twin of the original (HAZARDS 76): a plan and a run start again', async () => {
      await killBefore('ALTER TABLE .*_ght', '--execute=false');
      assert.deepEqual(await tablesOf(sql), TWIN);
      assert.match(await run(0, '--execute=false'), /blockers: +none/);
      assert.deepEqual(await tablesOf(sql), ['items'], 'a plan leaves nothing');
      await killBefore('ALTER TABLE .*_ght', '--execute=false');
      await run(0, '--ok-to-drop-table');
      assert.deepEqual(await tablesOf(sql), ['items']);
      assert.ok(await hasColumn(sql, 'extra'));
    });

    test('with a twin beside blockers, and with the probe only: cleanup lists both and removes them', async () => {
      await runSql(sql, `CREATE TABLE ${DB}._items_del (id INT PRIMARY KEY)`);
      await killBefore('ALTER TABLE .*_ght');
      assert.match(
        await cleanUp(),
        /would remove: twin table .*_items_ght`\n.*would remove: probe table .*_items_ghp`/,
      );
      assert.match(await cleanUp('--execute'), /removed: twin table .*\n.*removed: probe table/);
      assert.deepEqual(await tablesOf(sql), ['_items_del', 'items']);
      await killBefore('DROP TABLE .*_ghp');
      assert.deepEqual(await tablesOf(sql), ['_items_del', '_items_ghp', 'items']);
      await cleanUp('--execute');
      assert.deepEqual(await tablesOf(sql), ['_items_del', 'items']);
    });

    test('a table of others with the name of the twin is not touched by anybody', async () => {
      await runSql(sql, `CREATE TABLE ${DB}._items_ght LIKE ${DB}.items`);
      assert.match(
        await run(2),
        /A table .*_items_ght` exists, and it is not poltergeist's.* refusal=probe-table/,
      );
      assert.match(await run(2, '--execute=false'), /refusal=probe-table/);
      assert.match(
        await cleanUp('--execute'),
        /kept: twin table .*_items_ght`: its comment is not poltergeist's/,
      );
      assert.deepEqual(await tablesOf(sql), ['_items_ght', 'items']);
    });

    test('a resumed run that is killed while it tries things out is resumed again', async (t) => {
      const flag = join(folder, 'flag');
      writeFileSync(flag, '');
      t.after(() => rmSync(flag, { force: true }));
      const first = startCli(args('--postpone-cut-over-flag-file', flag));
      await first.waitForLine(/State: postponing cut-over/, 30_000);
      first.kill('SIGKILL');
      await first.exit;
      await killBefore('DROP TABLE .*_ghp', '--resume');
      assert.ok((await tablesOf(sql)).includes('_items_ghp'));
      assert.match(await run(0, '--resume', '--verbose'), /Resuming from checkpoint/);
      assert.deepEqual(await tablesOf(sql), ['_items_del', 'items']);
    });

    test('with a ghost and nothing in it: the next run says what it is, and cleanup removes it', async () => {
      await killBefore('ALTER TABLE .*_gho');
      assert.deepEqual(await tablesOf(sql), ['_items_ghc', '_items_gho', 'items']);
      const refused = await run(2);
      assert.match(
        refused,
        /_items_gho` is there, and a changelog beside it: an earlier migration did not end/,
      );
      assert.match(
        refused,
        /hint: It has no checkpoint to go on from. Start over with --initially-drop-ghost-table/,
      );
      assert.match(await run(2, '--resume'), /there is no checkpoint/);
      assert.match(await cleanUp('--execute'), /removed: ghost table/);
      assert.deepEqual(await tablesOf(sql), ['items']);
      await killBefore('ALTER TABLE .*_gho');
      await run(0, '--initially-drop-ghost-table');
      assert.ok(await hasColumn(sql, 'extra'));
    });

    test('a plan drops nothing of earlier runs, whatever it is told to drop at the start', async () => {
      await run(0, '--checkpoint', '--timestamp-old-table');
      await runSql(sql, `CREATE TABLE ${DB}._items_gho (id INT PRIMARY KEY)`);
      await runSql(sql, `CREATE TABLE ${DB}._items_del (id INT PRIMARY KEY)`);
      const before = await tablesOf(sql);
      assert.ok(before.includes('_items_ghk'), 'what --revert needs is there');
      const drops = ['--initially-drop-ghost-table', '--initially-drop-old-table'];
      assert.match(
        await run(0, '--execute=false', '--alter=ENGINE=InnoDB', ...drops),
        /^CREATE TABLE `_items_gho` \(/m,
      );
      assert.deepEqual(await tablesOf(sql), before);
    });
  });
}
