// Whoever is called at three in the morning talks to the run by its socket and by flag files, in the words of gh-ost. What they
// ask for has to happen, and what they read has to be true.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import {
  hasColumn,
  migrationArguments,
  prepare,
  start,
  startRun,
  tablesOf,
  until,
} from '../fault/fault-lab.ts';
import { ask } from '../lab/ask.ts';
import { type Child, startCli } from '../lab/children.ts';
import { type Lab, runSql } from '../lab/lab.ts';

const NOT_POSTPONING =
  'You may only invoke this when gh-ost is actively postponing migration. At this time it is not';

describe('a run under control', () => {
  let lab: Lab;
  let sql: Connection;
  let folder: string;
  let socket: string;
  let flag: string;
  let child: Child | undefined;

  before(async () => {
    lab = await start({ flavor: 'mysql' });
    sql = await lab.primary.connect();
  });
  after(async () => {
    await sql?.end();
    await lab?.stop();
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'poltergeist-control-'));
    socket = join(folder, 'control.sock');
    flag = join(folder, 'flag');
    await prepare(sql);
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await child?.exit;
    child = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  const begin = async (...flags: string[]): Promise<Child> => {
    child = startCli(
      migrationArguments(lab.primary, 'extra', ['--serve-socket-file', socket, '--verbose', ...flags]),
    );
    await until(() => existsSync(socket), 'the socket', 20_000);
    return child;
  };
  const state = async (): Promise<string> => /State: ([^;]*)/.exec(await ask(socket, 'sup'))?.[1] ?? '';
  const stateIs = (wanted: RegExp): Promise<void> =>
    until(async () => wanted.test(await state()), `state ${wanted}`);

  test('postponed by a flag file that is made at the start: status, sup, help; then unpostpone', async () => {
    const run = await begin('--postpone-cut-over-flag-file', flag);
    assert.equal(statSync(socket).mode & 0o777, 0o600);
    await stateIs(/^postponing cut-over$/);
    assert.ok(existsSync(flag), 'the flag file is not there');
    const status = await ask(socket, 'status');
    assert.match(status, /^# Migrating `fault`.`items`; Ghost table is `fault`.`_items_gho`/);
    assert.match(status, /# postpone-cut-over-flag-file: .*flag \[set\]/);
    assert.match(status, /^Copy: 300\/300 100\.0%; .*State: postponing cut-over/m);
    assert.match(await ask(socket, 'help'), /unpostpone/);
    assert.match(await ask(socket, 'sup'), /^Copy: [^\n]*$/);
    assert.equal(await ask(socket, 'boo'), 'unknown command: boo');
    // Kept in step meanwhile.
    await runSql(sql, "UPDATE fault.items SET body = 'while postponed' WHERE id = 3");
    await until(
      async () =>
        (await runSql(sql, 'SELECT body FROM fault._items_gho WHERE id = 3'))[0]?.body === 'while postponed',
      'a change in the ghost',
    );
    assert.match(await ask(socket, 'unpostpone'), /^Unpostponed/);
    assert.equal((await run.exit).code, 0, run.stderr);
    assert.ok(await hasColumn(sql, 'extra'));
    assert.ok(!existsSync(socket), 'the socket file was left');
    assert.ok(existsSync(flag), 'the flag file is the operator’s');
  });

  test('the flag file is removed: it cuts over', async () => {
    const run = await begin('--postpone-cut-over-flag-file', flag);
    await stateIs(/^postponing cut-over$/);
    rmSync(flag);
    assert.equal((await run.exit).code, 0, run.stderr);
    assert.ok(await hasColumn(sql, 'extra'));
  });

  test('throttled by file and by command: nothing is copied meanwhile, and it says so; unpostpone has nothing to do', async () => {
    writeFileSync(flag, '');
    const run = await begin('--throttle-flag-file', flag, '--chunk-size', '10');
    await stateIs(/^throttled, flag-file$/);
    assert.equal(await ask(socket, 'unpostpone'), NOT_POSTPONING);
    const copied = /Copy: (\d+)/.exec(await ask(socket, 'throttle'))?.[1];
    rmSync(flag);
    await stateIs(/^throttled, commanded by user$/);
    await sleep(700);
    assert.equal(/Copy: (\d+)/.exec(await ask(socket, 'sup'))?.[1], copied, 'the copy went on');
    await ask(socket, 'no-throttle=other');
    assert.match(await state(), /commanded by user/, 'a command for another table was obeyed');
    await ask(socket, 'no-throttle=items');
    assert.equal((await run.exit).code, 0, run.stderr);
    assert.ok(await hasColumn(sql, 'extra'));
  });

  for (const how of ['socket', 'flag file']) {
    test(`panic by ${how}: it ends at once with 1, cleans nothing up, and the original is intact`, async () => {
      const panic = join(folder, 'panic');
      const run = await begin('--postpone-cut-over-flag-file', flag, '--panic-flag-file', panic);
      await stateIs(/^postponing cut-over$/);
      if (how === 'socket') assert.match(await ask(socket, 'panic'), /abandoned without cleaning up/);
      else writeFileSync(panic, '');
      assert.equal((await run.exit).code, 1, run.stderr);
      const left = await tablesOf(sql);
      assert.ok(left.includes('_items_gho') && left.includes('_items_ghc'), `left: ${left}`);
      assert.match(run.stderr, /left behind/);
      assert.equal(await hasColumn(sql, 'extra'), false);
      await runSql(sql, "UPDATE fault.items SET body = 'x' WHERE id = 1");
    });
  }

  test('a second run on the same table is refused, and told who is there; a lock lost to others ends the first', async () => {
    const first = startRun(lab.primary, { extra: ['--postpone-cut-over-flag-file', flag] });
    writeFileSync(flag, '');
    await until(() => first.migrator.snapshot().postponing, 'a postponed run');
    const [held] = await runSql(sql, "SELECT IS_USED_LOCK('gh-ost::fault.items') AS id");
    const second = await startRun(lab.primary, { extra: ['--initially-drop-ghost-table'] }).ended;
    assert.match(
      String(second?.message),
      new RegExp(`already migrating .*connection ${held?.id} \\(\\w+ from \\S+\\) `),
    );
    assert.ok((await tablesOf(sql)).includes('_items_gho'), 'the second run dropped the ghost of the first');
    // Lost, and nobody has come: taken again. Lost to somebody else: that one may be at work on our tables.
    await runSql(sql, `KILL ${held?.id}`);
    const holder = async (): Promise<unknown> =>
      (await runSql(sql, "SELECT IS_USED_LOCK('gh-ost::fault.items') AS id"))[0]?.id;
    await until(async () => ![null, held?.id].includes((await holder()) as null), 'the lock taken again');
    const other = await lab.primary.connect();
    const taken = runSql(other, "SELECT GET_LOCK('gh-ost::fault.items', 20) AS got");
    await runSql(sql, `KILL ${await holder()}`);
    assert.equal((await taken)[0]?.got, 1);
    assert.match(String((await first.ended)?.message), /lock .* was lost/);
    await other.end();
    assert.equal(await hasColumn(sql, 'extra'), false);
  });
});
