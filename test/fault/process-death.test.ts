// The process dies, or is told to end, in the middle: of the copy, of a postponement, of every step of the cut-over, with the
// table locked as well. The table has to be there for everybody at once, whole, and the next run has to know what to do.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Connection } from 'mysql2/promise';
import type { CutOverStep } from '../../src/core/swap-port.ts';
import { Child } from '../lab/children.ts';
import type { Lab } from '../lab/lab.ts';
import {
  assertNothingLost,
  assertUsable,
  endsWell,
  hasColumn,
  migrationArguments,
  openLedger,
  prepare,
  SERVERS,
  start,
  tablesOf,
} from './fault-lab.ts';

const SCRIPT = fileURLToPath(new URL('./held-cli.ts', import.meta.url));
const CLEAN_START = ['--initially-drop-ghost-table', '--initially-drop-old-table'];

interface Phase {
  readonly name: string;
  readonly holdAt?: CutOverStep;
  readonly flags?: readonly string[];
  /** A line that says that it is there. */
  readonly there: RegExp;
}

for (const { name, spec } of SERVERS.filter((_, index) => index !== 1)) {
  describe(`the process ends on ${name}`, () => {
    let lab: Lab;
    let sql: Connection;
    let folder: string;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'poltergeist-death-'));
      writeFileSync(join(folder, 'flag'), '');
      lab = await start(spec);
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const begin = (column: string, flags: readonly string[], env: Record<string, string> = {}): Child => {
      const socket = ['--serve-socket-file', join(folder, 'control.sock'), '--initially-drop-socket-file'];
      const args = migrationArguments(lab.primary, column, [...socket, '--verbose', ...flags]);
      return new Child(args, { script: SCRIPT, env });
    };

    const copying: Phase = {
      name: 'copying',
      flags: ['--throttle-flag-file', 'FLAG'],
      there: /State: throttled, flag-file/,
    };
    const waiting: Phase = {
      name: 'waiting',
      flags: ['--postpone-cut-over-flag-file', 'FLAG'],
      there: /State: postponing cut-over/,
    };
    const step = (holdAt: CutOverStep): Phase => ({ name: holdAt, holdAt, there: /^HELD/ });

    /** A run that has come to the phase. */
    const arrive = async (phase: Phase, column: string, holdMs: number): Promise<Child> => {
      const flags = (phase.flags ?? []).map((flag) => flag.replace('FLAG', join(folder, 'flag')));
      const env: Record<string, string> =
        phase.holdAt === undefined ? {} : { HOLD_AT: phase.holdAt, HOLD_MS: String(holdMs) };
      const child = begin(column, [...CLEAN_START, ...flags], env);
      await child.waitForLine(phase.there, 30_000);
      return child;
    };

    // Whether the server shows its locks makes no difference before the cut-over.
    const blind = name.includes('without');
    const killPhases = blind
      ? [step('locked'), step('dropped')]
      : [copying, waiting, step('sentry'), step('locked'), step('dropped')];
    test('killed (SIGKILL) in each phase: the table is there at once, and the next run starts over', async (t) => {
      await prepare(sql);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 4, readers: 1, pauseMs: 15 });
      t.after(() => load.stop());
      const outcomes: string[] = [];
      for (const [index, phase] of killPhases.entries()) {
        const child = await arrive(phase, `k${index}`, 60_000);
        child.kill('SIGKILL');
        await child.exit;
        await assertUsable(lab.primary, 3000);
        const swapped = await hasColumn(sql, `k${index}`);
        if (phase === waiting) {
          const refused = begin('next', []);
          assert.equal((await refused.exit).code, 2, refused.stderr);
          assert.match(refused.stderr, /cleanup|--initially-drop/);
        }
        outcomes.push(`${phase.name}:${swapped ? 'swapped' : 'original'}`);
        // While the sentry stands a RENAME cannot succeed; afterwards it is the server's to do.
        if (phase.name !== 'dropped') assert.equal(swapped, false, phase.name);
        assert.ok((await tablesOf(sql)).includes('_items_ghc'), 'a dead process cannot have cleaned up');
        if (!swapped) continue;
        // Somebody has to look for late writes: no new run may sweep that away.
        const blind = begin('next', CLEAN_START);
        assert.equal((await blind.exit).code, 2, blind.stderr);
        assert.match(blind.stderr, /an earlier run has swapped the tables/);
        const resumed = begin(`k${index}`, ['--resume']);
        await endsWell(resumed);
      }
      const next = begin('next', CLEAN_START);
      await endsWell(next);
      assert.ok(await hasColumn(sql, 'next'));
      await load.stop();
      await assertNothingLost(ledger, 'killed in each phase');
      const { writeGapMs } = await ledger.compare();
      t.diagnostic(`${outcomes.join(' ')}; no write for ${writeGapMs} ms at the most`);
    });

    const endPhases = blind
      ? [waiting, step('poised')]
      : [copying, waiting, step('sentry'), step('locked'), step('poised')];
    test('told to end (SIGTERM, SIGINT) in each phase: it ends soon, says how things are, and leaves no lock', async (t) => {
      await prepare(sql);
      const ledger = await openLedger(lab.primary);
      const load = ledger.start({ writers: 4, readers: 1, pauseMs: 15 });
      t.after(() => load.stop());
      for (const [index, phase] of endPhases.entries()) {
        const signal = index % 2 === 0 ? 'SIGTERM' : 'SIGINT';
        const child = await arrive(phase, `e${index}`, 500);
        const startMs = performance.now();
        child.kill(signal);
        const { code } = await child.exit;
        assert.equal(code, 1, `${phase.name}: ${child.stderr}`);
        assert.ok(performance.now() - startMs < 15_000, `${phase.name}: it took its time`);
        assert.match(child.stderr, new RegExp(`${signal} received`));
        assert.match(child.stderr, /to go on: the same command with --resume|removed: /);
        assert.equal(await hasColumn(sql, `e${index}`), false, `${phase.name}: swapped`);
        for (const sentry of ['_items_del', 'items_ghs'])
          assert.ok(!(await tablesOf(sql)).includes(sentry), `${phase.name}: ${sentry} was left`);
        await assertUsable(lab.primary, 3000);
      }
      await load.stop();
      await assertNothingLost(ledger, 'told to end in each phase');
    });

    test('told a second time it ends at once', async () => {
      await prepare(sql);
      const child = await arrive(step('sentry'), 'twice', 20_000);
      child.kill('SIGTERM');
      await child.waitForLine(/SIGTERM received/, 10_000);
      child.kill('SIGTERM');
      assert.equal((await child.exit).code, 143);
      await assertUsable(lab.primary, 3000);
    });
  });
}
