// A migration as its operators run it, from the runbook: through a replica, with flag files and hooks, another replica whose lag
// counts, commands on the socket while it throttles, a signal, --resume, postponing, and the swap on the primary; with writers all
// the time. Every line that a runbook greps for is there.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import {
  assertNothingLost,
  hasColumn,
  migrationArguments,
  openLedger,
  prepare,
  start,
  until,
} from '../fault/fault-lab.ts';
import { ask as askAt } from '../lab/ask.ts';
import { type Child, startCli } from '../lab/children.ts';
import { type Lab, runSql, waitForReplica } from '../lab/lab.ts';

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`an operator on ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    let replica: Connection;
    let folder: string;
    let child: Child;
    const path = (name: string): string => join(folder, name);
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'pg-operator-'));
      lab = await start({ flavor, replicas: 2 });
      sql = await lab.primary.connect();
      replica = await lab.replicas[1]!.connect();
      await prepare(sql, 3000);
      for (const each of lab.replicas) await waitForReplica(lab.primary, each, 20_000);
    });
    after(async () => {
      child?.kill('SIGKILL');
      await child?.exit;
      await sql?.end();
      await replica?.end();
      await lab?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const ask = (line: string): Promise<string> => askAt(path('sock'), line);
    const state = async (): Promise<string> => /State: ([^;]*)/.exec(await ask('sup'))?.[1] ?? '';
    const stateIs = (wanted: RegExp): Promise<void> =>
      until(async () => wanted.test(await state()), `state ${wanted}`, 60_000);
    const copied = async (): Promise<string> => /Copy: (\d+)/.exec(await ask('sup'))?.[1] ?? '';
    const hook = (name: string): void => {
      const note = `echo "$GH_OST_HOOK $GH_OST_TABLE_NAME $GH_OST_WRITER_STOP_MILLIS" >>"${path('hooked')}"`;
      writeFileSync(path(`gh-ost-on-${name}`), `#!/bin/sh\n${note}\n`);
      chmodSync(path(`gh-ost-on-${name}`), 0o755);
    };
    const control = (): string => `127.0.0.1:${lab.replicas[1]!.port}`;
    const begin = async (...more: string[]): Promise<void> => {
      child = startCli(
        migrationArguments(lab.replicas[0]!, 'extra', [
          ...['--throttle-flag-file', path('throttle'), '--postpone-cut-over-flag-file', path('postpone')],
          ...[
            '--panic-flag-file',
            path('panic'),
            '--hooks-path',
            folder,
            '--serve-socket-file',
            path('sock'),
          ],
          ...[
            '--throttle-control-replicas',
            control(),
            '--max-lag-millis=1500',
            '--max-load=Threads_running=900',
          ],
          ...['--chunk-size=10', '--checkpoint-seconds=1', '--exact-rowcount', '--verbose', ...more],
        ]).filter((each) => each !== '--allow-on-master'),
      );
      await until(() => existsSync(path('sock')), 'the socket', 20_000);
    };

    /** Held by file, then by command; settings changed live meanwhile; then by the replica. */
    async function throttleByTheBook(): Promise<void> {
      await stateIs(/^throttled, flag-file$/);
      assert.match(await ask('status'), /^# throttle-flag-file: .*throttle \[set\]$/m);
      assert.match(await ask('throttle'), /^# Note: you may only throttle for as long as/);
      rmSync(path('throttle'));
      await stateIs(/^throttled, commanded by user$/);
      assert.match(await ask('max-load=Threads_connected=1'), /max-load: Threads_connected=1;/);
      assert.equal(await ask('max-load=?'), 'Threads_connected=1');
      // The load is read once a second, and what is said first is the command.
      await sleep(3000);
      await ask('no-throttle');
      await stateIs(/^throttled, max-load Threads_connected=\d+ >= 1$/);
      await runSql(replica, 'STOP REPLICA SQL_THREAD');
      await until(async () => !/ Lag: [01]\./.test(` ${await ask('sup')}`), 'lag', 60_000);
      assert.match(await ask('chunk-size=50'), /^# chunk-size: 50; max-lag-millis: 1500ms;/m);
      assert.equal(await ask('chunk-size=?'), '50');
      const before = await copied();
      assert.notEqual(before, '3000');
      await ask('max-load=Threads_running=900');
      await stateIs(new RegExp(`^throttled, ${control()} replica-lag=\\d+\\.\\d{6}s >= 1\\.500000s$`));
      assert.equal(await copied(), before, 'it copied while the replica was behind');
      await runSql(replica, 'START REPLICA SQL_THREAD');
    }

    test('throttle, settings, lag, postpone, signal, resume, unpostpone, success', async () => {
      for (const name of ['before-row-copy', 'begin-postponed', 'failure', 'success']) hook(name);
      writeFileSync(path('throttle'), '');
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 2, readers: 1, pauseMs: 20 });
      await begin();
      await throttleByTheBook();
      await stateIs(/^postponing cut-over$/);
      await child.waitForLine(/checkpoint success at coords=/, 20_000);
      await until(() => readFileSync(path('hooked'), 'utf8').includes('begin-postponed'), 'the hook');
      child.kill('SIGTERM');
      assert.equal((await child.exit).code, 1);
      assert.match(child.stderr, / INFO Row copy complete\b/);
      assert.match(child.stderr, /WARNING to go on: the same command with --resume/);
      assert.equal(await hasColumn(sql, 'extra'), false);

      await begin('--resume');
      await child.waitForLine(/Resuming from checkpoint/, 20_000);
      await stateIs(/^postponing cut-over$/);
      assert.match(await ask('unpostpone'), /^Unpostponed$/m);
      assert.equal((await child.exit).code, 0, child.stderr);
      await load.stop();
      assert.ok(await hasColumn(sql, 'extra'));
      await assertNothingLost(ledger, 'the operator’s run');
      assert.match(child.stdout, /^# Done$/m);
      // As gh-ost does: stamped on stderr, and each status on stdout and again as INFO.
      const stamped = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (DEBUG|INFO|WARNING|ERROR|FATAL) ./;
      for (const line of child.stderr.trimEnd().split('\n')) assert.match(line, stamped);
      const statuses = child.stdout.split('\n').filter((line) => line.startsWith('Copy: '));
      assert.ok(statuses.length > 0);
      for (const line of statuses) assert.ok(child.stderr.includes(` INFO ${line}\n`), line);
      const hooked = readFileSync(path('hooked'), 'utf8').replaceAll('gh-ost-on-', '');
      assert.match(
        hooked,
        /^before-row-copy items \nbegin-postponed items \nfailure items \nbefore-row-copy items \nbegin-postponed items \nsuccess items \d+\n$/,
      );
    });
  });
}
