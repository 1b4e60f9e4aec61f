// Operators hang pagers, approvals and audits on a migration's moments. A hook that is not run, that learns a password, or that
// hangs for ever is worse than none.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { Abandoned, UsageError } from '../../src/base/errors.ts';
import type { Moment, MomentFacts } from '../../src/core/moments.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { hookVariables, withoutSecretVariables } from '../../src/ops/hook-environment.ts';
import { checkHooksPath, Hooks } from '../../src/ops/hooks.ts';
import { respondUnlessVetoed, runWithMoments, StatusMoments } from '../../src/ops/run-moments.ts';
import { snapshotOf } from './status-snapshot.ts';

const root = mkdtempSync(join(tmpdir(), 'poltergeist-hooks-'));
after(() => rmSync(root, { recursive: true }));

const constants = {
  ...{ ddl: 'ADD COLUMN x INT', dryRun: false, revert: false },
  ...{ hint: 'a hint', hintOwner: 'an owner', hintToken: 'a token' },
};

describe('hooks', () => {
  let folder: string;
  let out: string;
  let warnings: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(root, 'h'));
    out = join(folder, 'out');
    warnings = [];
  });

  const hook = (name: string, body: string, mode = 0o755): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), mode);
  };
  const make = (more: { timeoutMs?: number; env?: NodeJS.ProcessEnv; path?: string } = {}): Hooks =>
    new Hooks({
      ...{ path: folder, timeoutMs: 30_000, constants, secrets: ['s3cret-pw'], snapshot: () => snapshotOf() },
      ...{ env: { PATH: process.env.PATH, OUT: out }, clock: systemClock },
      log: { info: () => undefined, warn: (message) => warnings.push(message) },
      ...more,
    });
  const written = (): string => (existsSync(out) ? readFileSync(out, 'utf8') : '');

  test('all that begin with the name, executables only, one after the other by name, read anew each time', async () => {
    const hooks = make();
    await hooks.reach('startup');
    hook('gh-ost-on-startup-b', 'echo b >>"$OUT"');
    hook('gh-ost-on-startup-a', 'sleep 0.2; echo a >>"$OUT"');
    hook('gh-ost-on-startup-c', 'echo c >>"$OUT"', 0o644);
    hook('gh-ost-on-status', 'echo other >>"$OUT"');
    await hooks.reach('startup');
    await hooks.reach('startup');
    assert.equal(written(), 'a\nb\na\nb\n');
    assert.deepEqual(warnings, [
      `the hook ${join(folder, 'gh-ost-on-startup-c')} is not executable: it is not run`,
    ]);
  });

  test('one that fails vetoes, and the rest is not run; of some nothing is asked', async () => {
    const moments: [Moment, boolean][] = [
      ['validated', true],
      ['success', true],
      ['batch-copy-retry', false],
      ['status', false],
      ['failure', false],
    ];
    for (const [moment, vetoes] of moments) {
      hook(`gh-ost-on-${moment}`, 'exit 3');
      hook(`gh-ost-on-${moment}-later`, 'echo later >>"$OUT"');
      const reached = make().reach(moment);
      if (vetoes) await assert.rejects(reached, /the hook .* failed: exit status 3/);
      else await reached;
    }
    assert.equal(written(), '');
    assert.equal(warnings.length, 3);
  });

  test('a hook over its time is ended with what it has started, and has failed', async () => {
    hook('gh-ost-on-validated', 'trap "" TERM; (trap "" TERM; sleep 60) & echo $! >"$OUT"; sleep 60');
    await assert.rejects(
      make({ timeoutMs: 300 }).reach('validated'),
      /took longer than 0\.3 s and was ended/,
    );
    const alive = (): boolean =>
      spawnSync('ps', ['-o', 'stat=', '-p', written().trim()])
        .stdout.toString()
        .match(/^[^ZX]/) !== null;
    for (let tries = 0; alive() && tries < 500; tries++) await sleep(10);
    assert.equal(alive(), false, 'what the hook had started goes on');
  });

  test('the end of the run ends a hook, with its reason', async () => {
    hook('gh-ost-on-before-cut-over', 'echo started >>"$OUT"; sleep 60');
    const controller = new AbortController();
    const reached = make().reach('before-cut-over', controller.signal);
    while (written() === '') await sleep(10);
    controller.abort(new Abandoned('SIGTERM received'));
    await assert.rejects(reached, Abandoned);
  });

  test('what a hook leaves in the background does not keep the run', async () => {
    hook('gh-ost-on-startup', 'sleep 20 & echo $! >"$OUT"');
    await make({ timeoutMs: 10_000 }).reach('startup');
    process.kill(Number(written()), 'SIGKILL');
  });

  test('a folder that is not there is wrong usage, and one that goes away ends the run: a veto would be missing', async () => {
    const hooksPath = join(folder, 'none');
    await assert.rejects(checkHooksPath({ hooksPath }), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /^--hooks-path cannot be read: .*none.*Nothing was touched\.$/);
      return true;
    });
    await assert.rejects(checkHooksPath({ hooksPath: out }), UsageError);
    await checkHooksPath({ hooksPath: folder });
    await checkHooksPath({ hooksPath: null });
    const hooks = make({ path: hooksPath });
    await assert.rejects(hooks.reach('before-cut-over'), /--hooks-path cannot be read any more: .*none/);
    await hooks.reach('failure');
    assert.match(warnings.join(), /^--hooks-path cannot be read any more/);
  });

  test('a program that cannot start has failed', async () => {
    writeFileSync(join(folder, 'gh-ost-on-startup'), '#!/no/such/interpreter\n', { mode: 0o755 });
    await assert.rejects(make().reach('startup'), /the hook .* failed: spawn/);
  });

  test('no password reaches a hook, by whichever variable', async () => {
    hook('gh-ost-on-failure', 'env >"$OUT"');
    const env = {
      ...{
        PATH: process.env.PATH,
        OUT: out,
        PWD: '/',
        MYSQL_PWD: 'x',
        POLTERGEIST_TOKEN: 'y',
        DB_PASSWORD: 'z',
      },
      DSN: 'mysql://root:s3cret-pw@db',
      FROM_CONF: 's3cret-pw',
    };
    await make({ env }).reach('failure', undefined, { error: 'denied with s3cret-pw' });
    assert.doesNotMatch(written(), /s3cret-pw|MYSQL_PWD|POLTERGEIST_|DB_PASSWORD|DSN|FROM_CONF/);
    assert.match(written(), /^GH_OST_ERROR=denied with \*\*\*$/m);
    assert.match(written(), /^PWD=/m);
    assert.deepEqual(withoutSecretVariables({ A: 'pw', B: 'a pw', C: '' }, ['pw', '']), { B: 'a pw', C: '' });
  });
});

describe('variables of a hook', () => {
  const variables = (moment: Moment, snapshot: Partial<Snapshot> = {}, facts: MomentFacts = {}) =>
    hookVariables(moment, snapshotOf(snapshot), constants, facts);

  test('as gh-ost names and writes them', () => {
    assert.deepEqual(variables('validated'), {
      GH_OST_DATABASE_NAME: 'shop',
      GH_OST_TABLE_NAME: 'orders',
      GH_OST_GHOST_TABLE_NAME: '_orders_gho',
      GH_OST_OLD_TABLE_NAME: '_orders_del',
      GH_OST_DDL: 'ADD COLUMN x INT',
      GH_OST_ELAPSED_SECONDS: '63.400000',
      GH_OST_ELAPSED_COPY_SECONDS: '59.900000',
      GH_OST_ESTIMATED_ROWS: '1000',
      GH_OST_COPIED_ROWS: '250',
      GH_OST_MIGRATED_HOST: 'primary',
      GH_OST_INSPECTED_HOST: 'replica',
      GH_OST_EXECUTING_HOST: 'box',
      GH_OST_INSPECTED_LAG: '0.250000',
      GH_OST_HEARTBEAT_LAG: '0.012000',
      GH_OST_PROGRESS: '25.000000',
      GH_OST_ETA_SECONDS: '180',
      GH_OST_HOOKS_HINT: 'a hint',
      GH_OST_HOOKS_HINT_OWNER: 'an owner',
      GH_OST_HOOKS_HINT_TOKEN: 'a token',
      GH_OST_DRY_RUN: 'false',
      GH_OST_REVERT: 'false',
      GH_OST_HOOK: 'gh-ost-on-validated',
    });
    assert.equal(variables('validated', { etaMs: null }).GH_OST_ETA_SECONDS, '-9223372036854775808');
    assert.equal(variables('validated', { copyComplete: true }).GH_OST_ETA_SECONDS, '0');
  });

  test('what belongs to one moment', () => {
    const success = variables('success', { writerStopMs: 61.7, instantDdl: true });
    assert.equal(success.GH_OST_WRITER_STOP_MILLIS, '62');
    assert.equal(success.GH_OST_INSTANT_DDL, 'true');
    const command = variables('interactive-command', {}, { command: 'chunk-size', argument: '50' });
    assert.equal(command.GH_OST_COMMAND, "'chunk-size'");
    assert.equal(command.GH_OST_COMMAND_ARGUMENT, '50');
    assert.equal(variables('status', {}, { status: 'Copy: 1' }).GH_OST_STATUS, "'Copy: 1'");
    const retry = variables('batch-copy-retry', {}, { error: 'lost' });
    assert.equal(retry.GH_OST_LAST_BATCH_COPY_ERROR, 'lost');
    assert.equal(variables('failure', {}, { error: 'lost' }).GH_OST_ERROR, 'lost');
  });
});

describe('moments of a run', () => {
  const recorder = (veto?: Moment) => {
    const seen: string[] = [];
    const reach = async (moment: Moment, _signal?: AbortSignal, facts: MomentFacts = {}): Promise<void> => {
      seen.push(`${moment} ${facts.error ?? facts.command ?? ''}`.trim());
      if (moment === veto) throw new Error(`no ${moment}`);
    };
    return { seen, moments: { reach } };
  };
  const { signal } = new AbortController();

  test('startup, then success or failure; a veto of either is a failure', async () => {
    const cases: [Moment | undefined, () => Promise<void>, string[]][] = [
      [undefined, async () => undefined, ['startup', 'success']],
      [
        undefined,
        () => Promise.reject(new Abandoned('SIGTERM received')),
        ['startup', 'failure SIGTERM received'],
      ],
      ['startup', () => assert.fail('it ran'), ['startup', 'failure no startup']],
      ['success', async () => undefined, ['startup', 'success', 'failure no success']],
    ];
    for (const [veto, run, expected] of cases) {
      const { seen, moments } = recorder(veto);
      const done = runWithMoments(run, moments, signal);
      if (expected.length === 2 && expected[1] === 'success') await done;
      else await assert.rejects(done);
      assert.deepEqual(seen, expected);
    }
  });

  test('a command that is vetoed is not obeyed', async () => {
    const { seen, moments } = recorder('interactive-command');
    const answer = await respondUnlessVetoed('panic=orders', {} as never, moments);
    assert.equal(answer, 'no interactive-command');
    assert.deepEqual(seen, ['interactive-command panic']);
  });

  test('status: once an interval, never beside itself', async () => {
    let running = 0;
    let most = 0;
    const times: number[] = [];
    const moments = {
      reach: async () => {
        most = Math.max(most, ++running);
        await sleep(5);
        running -= 1;
      },
    };
    const statuses = new StatusMoments(moments, 60_000);
    for (const elapsedMs of [0, 59_000, 60_500, 61_000, 119_000, 121_000, 200_000]) {
      const before = running;
      statuses.printed(snapshotOf({ elapsedMs }), 'line', signal);
      if (running > before) times.push(elapsedMs);
      if (elapsedMs !== 121_000) await statuses.close();
    }
    await statuses.close();
    assert.deepEqual(times, [60_500, 121_000]);
    assert.equal(most, 1);
  });
});
