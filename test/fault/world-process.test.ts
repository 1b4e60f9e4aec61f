// Our own process, its machine and its network fail us: it stands still for seconds (under the lock, too), its clock jumps by
// hours, it may not open files any more, its connections are slow, or stand still one by one for a time. Nobody's write is lost by it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Connection } from 'mysql2/promise';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { Child } from '../lab/children.ts';
import type { Lab } from '../lab/lab.ts';
import { FaultProxy } from '../lab/proxy.ts';
import {
  assertNothingLost,
  assertUsable,
  endsWell,
  hasColumn,
  migrationArguments,
  openLedger,
  prepare,
  start,
  startRun,
  tablesOf,
  until,
} from './fault-lab.ts';
import { finish, POSTPONED, reachWaiting, WORLDS } from './world-lab.ts';

const SCRIPT = fileURLToPath(new URL('./held-cli.ts', import.meta.url));
const starvedMs = 30_000;
/** Longer than the stream takes silence for death (three times five seconds). */
const standstillMs = { mysql: 16_000, mariadb: 5000 };

for (const { name, spec } of WORLDS) {
  describe(`our process and its network fail us on ${name}`, () => {
    let lab: Lab;
    let sql: Connection;
    let folder: string;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'poltergeist-world-'));
      lab = await start(spec);
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const begin = (flags: readonly string[], env: Record<string, string> = {}): Child => {
      const socket = ['--serve-socket-file', join(folder, 'control.sock'), '--initially-drop-socket-file'];
      const args = migrationArguments(lab.primary, 'extra', [...socket, '--verbose', ...flags]);
      return new Child(args, { script: SCRIPT, env });
    };
    /** A child that has copied everything; `release` lets it cut over. */
    const beginWaiting = async (): Promise<{ child: Child; release: () => void }> => {
      const flag = join(folder, 'flag');
      writeFileSync(flag, '');
      const child = begin(['--postpone-cut-over-flag-file', flag]);
      await child.waitForLine(/State: postponing cut-over/, 30_000);
      return { child, release: () => rmSync(flag) };
    };

    test(`the process stands still for ${starvedMs / 1000} s: it goes on from there`, async (t) => {
      await prepare(sql);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 3, readers: 1, pauseMs: 20 });
      t.after(() => load.stop());
      const { child, release } = await beginWaiting();
      t.after(() => child.kill('SIGKILL'));
      child.kill('SIGSTOP');
      await sleep(starvedMs);
      child.kill('SIGCONT');
      release();
      await endsWell(child);
      await load.stop();
      await assertNothingLost(ledger, 'standstill');
    });

    test('HAZARDS 107: the process stands still with the table locked: the server frees it, and it goes on', async (t) => {
      await prepare(sql);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 3, readers: 1, pauseMs: 20 });
      t.after(() => load.stop());
      const child = begin(['--cut-over-lock-timeout-seconds', '1'], { HOLD_AT: 'locked', HOLD_MS: '300' });
      t.after(() => child.kill('SIGKILL'));
      await child.waitForLine(/^HELD locked/, 30_000);
      child.kill('SIGSTOP');
      await assertUsable(lab.primary, 10_000);
      child.kill('SIGCONT');
      await endsWell(child);
      assert.match(child.stderr, /cut-over attempt failed/);
      await load.stop();
      await assertNothingLost(ledger, 'standstill under the lock');
    });

    // Before the lock, for longer than the stream takes silence for death; under it, for longer than an attempt may take.
    for (const [step, ms] of [
      ['looking', standstillMs[spec.flavor]],
      ['locked', 3000],
    ] as const) {
      test(`our event loop is blocked for ${ms / 1000} s while ${step}: it goes on`, async (t) => {
        await prepare(sql);
        const ledger = await openLedger(lab.primary);
        const load = ledger.start({ writers: 3, readers: 1, pauseMs: 20 });
        t.after(() => load.stop());
        const hold = { HOLD_AT: step, HOLD_MS: String(ms), HOLD_BUSY: '1' };
        const child = begin(['--cut-over-lock-timeout-seconds', '4'], hold);
        t.after(() => child.kill('SIGKILL'));
        await endsWell(child);
        await load.stop();
        await assertNothingLost(ledger, `blocked while ${step}`);
      });
    }

    const canLimit = existsSync('/usr/bin/prlimit') && existsSync('/proc/self/fd');
    test('out of file descriptors at the cut-over: it says so', { skip: !canLimit }, async (t) => {
      await prepare(sql, 50);
      const { child, release } = await beginWaiting();
      t.after(() => child.kill('SIGKILL'));
      execFileSync('/usr/bin/prlimit', ['--pid', String(child.pid), '--nofile=5']);
      release();
      const { code } = await child.exit;
      t.diagnostic(child.stderr.split('\n').findLast((line) => /EMFILE/.test(line)) ?? '');
      assert.equal(code, 1, child.stderr);
      assert.match(child.stderr, /EMFILE[\s\S]*ulimit -n/);
      assert.equal(await hasColumn(sql, 'extra'), false);
      await assertUsable(lab.primary, 2000);
    });

    test('the clock of our machine jumps by hours, back and forth: it does not wait for it', async (t) => {
      await prepare(sql);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 3, readers: 1, pauseMs: 10 });
      t.after(() => load.stop());
      let shiftMs = 0;
      const jumping: Clock = { ...systemClock, wallMs: () => systemClock.wallMs() + shiftMs };
      const run = startRun(lab.primary, { clock: jumping, extra: [...POSTPONED, '--chunk-size', '20'] });
      t.after(() => run.stop());
      for (const hours of [5, -7, 0, 30]) {
        await sleep(150);
        shiftMs = hours * 3_600_000;
      }
      await reachWaiting(run);
      shiftMs = -3_600_000;
      await finish(run);
      await load.stop();
      await assertNothingLost(ledger, 'clock');
    });

    test('each connection frozen in turn, then all of them, on a slow network', async (t) => {
      await prepare(sql);
      const proxy = await FaultProxy.start(lab.primary);
      t.after(() => proxy.stop());
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 3, readers: 1, pauseMs: 20 });
      t.after(() => load.stop());
      proxy.setLatency(20);
      const address = { ...lab.primary, host: proxy.host, port: proxy.port };
      const run = startRun(address, { extra: [...POSTPONED, '--chunk-size', '10'] });
      t.after(() => run.stop());
      await until(() => run.migrator.snapshot().phase === 'copying', 'the copy');
      const frozen = new Set<unknown>();
      for (let round = 0; round < 2; round++) {
        for (const connection of [...proxy.connections].filter((one) => !frozen.has(one))) {
          frozen.add(connection);
          connection.freeze();
          await sleep(100);
          connection.unfreeze();
        }
      }
      proxy.freeze();
      await sleep(3000);
      proxy.unfreeze();
      await reachWaiting(run);
      await finish(run);
      await load.stop();
      await assertNothingLost(ledger, 'frozen');
      assert.deepEqual(await tablesOf(sql), ['_items_del', 'items']);
      t.diagnostic(`${frozen.size} connections`);
    });
  });
}
