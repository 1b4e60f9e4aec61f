import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { goDuration, rubyDate, wholeSeconds } from '../../src/ops/duration.ts';
import {
  etaOf,
  shouldPrint,
  shouldPrintHeader,
  stateOf,
  statusHeader,
  statusLine,
} from '../../src/ops/status.ts';
import { StatusPrinter } from '../../src/ops/status-printer.ts';
import { snapshotOf } from './status-snapshot.ts';

const nothingSet = { exists: () => false, additionalFlagFile: null };

test('the status line has the shape that scripts parse', () => {
  assert.equal(
    statusLine(snapshotOf()),
    'Copy: 250/1000 25.0%; Applied: 7; Backlog: 3/1000; Time: 1m3s(total), 59s(copy); ' +
      'streamer: binlog.000002:4711; Lag: 0.25s, HeartbeatLag: 0.01s, State: migrating; ETA: 3m0s',
  );
});

test('once the copy is complete the estimate is what was copied', () => {
  const line = statusLine(snapshotOf({ copyComplete: true, rowsCopied: 990, etaMs: null }));
  assert.match(line, /^Copy: 990\/990 100\.0%; .*ETA: due$/);
});

test('states in words', () => {
  const cases: [Partial<Snapshot>, string][] = [
    [{}, 'migrating'],
    [{ throttled: 'commanded by user' }, 'throttled, commanded by user'],
    [{ throttled: 'lag=1.500000s' }, 'throttled, lag=1.500000s'],
    [{ phase: 'preparing', throttled: 'flag-file not read yet' }, 'starting'],
    [{ phase: 'verifying', rowsVerified: 1, rowsToVerify: 3 }, 'verifying, 33.3%'],
    [{ phase: 'verifying', throttled: 'flag-file' }, 'throttled, flag-file'],
    [{ countingRows: true }, 'counting rows'],
    [{ postponing: true }, 'postponing cut-over'],
    [{ postponing: true, throttled: 'flag-file' }, 'postponing cut-over'],
  ];
  for (const [changes, expected] of cases) assert.equal(stateOf(snapshotOf(changes)), expected);
});

test('the remaining time is shown only where it means something', () => {
  const cases: [Partial<Snapshot>, ReturnType<typeof etaOf>][] = [
    [{ rowsCopied: 0, etaMs: null }, 'unknown'],
    [{ rowsCopied: 9, rowsEstimate: 10_000, etaMs: 5000 }, 'unknown'],
    [{ rowsCopied: 10, rowsEstimate: 10_000, etaMs: 5000 }, 5000],
    [{ etaMs: null }, 'unknown'],
    [{ etaMs: 999 }, 'due'],
    [{ etaMs: 1000 }, 1000],
    [{ rowsCopied: 1001, etaMs: 5000 }, 'due'],
    [{ rowsEstimate: 0, rowsCopied: 0 }, 'due'],
    [{ copyComplete: true, etaMs: null }, 'due'],
    [{ copyComplete: true, backlogGrows: '9000 keys wait' }, 'unknown'],
    [{ copyComplete: true, postponing: true, backlogGrows: '9000 keys wait' }, 'due'],
    [{ postponing: true }, 'due'],
  ];
  for (const [changes, expected] of cases)
    assert.equal(etaOf(snapshotOf(changes)), expected, JSON.stringify(changes));
  assert.match(statusLine(snapshotOf({ etaMs: null })), /ETA: N\/A$/);
});

test('what is left to verify is the remaining time, once all is copied', () => {
  const verifying = { phase: 'verifying', copyComplete: true, rowsVerified: 1, rowsToVerify: 3 } as const;
  const line = (changes: Partial<Snapshot>): string => statusLine(snapshotOf({ ...verifying, ...changes }));
  assert.match(line({ verifyEtaMs: 61_000 }), /State: verifying, 33\.3%; ETA: 1m1s$/);
  assert.match(line({ verifyEtaMs: null }), /ETA: N\/A$/);
  const soon = { elapsedMs: 301_000, ...verifying, verifyEtaMs: 9e6 };
  assert.equal(shouldPrint(snapshotOf(soon), { elapsedMs: 300_000, pointOfInterestMs: null }), false);
});

test('before the copy begins no progress is claimed', () => {
  const starting = snapshotOf({ phase: 'starting', rowsCopied: 0, rowsEstimate: 0, etaMs: null, workers: 0 });
  assert.match(statusLine(starting), /^Copy: 0\/0 0\.0%; .*State: starting; ETA: N\/A$/);
  assert.doesNotMatch(statusHeader(starting, nothingSet).join('\n'), /copy workers/);
  const behind = { ...starting, backlogGrows: '9000 keys wait' };
  assert.ok(statusHeader(behind, nothingSet).includes('# Backlog grows: 9000 keys wait'));
});

test('the header names what is configured, and which flag files are there', () => {
  const snapshot = snapshotOf({
    startedAtMs: Date.UTC(2026, 10, 21, 9, 8, 7),
    throttleFlagFile: '/t',
    postponeFlagFile: '/p',
    panicFlagFile: '/panic',
    throttleControlReplicas: ['a:1', 'b:2'],
    socketFile: '/s.sock',
  });
  const lines = statusHeader(snapshot, {
    exists: (path) => path === '/p',
    additionalFlagFile: '/tmp/gh-ost.throttle',
  });
  assert.match(lines[2] ?? '', /^# Migration started at \w{3} Nov 2\d \d\d:\d\d:07 [+-]\d{4} 2026$/);
  assert.deepEqual(lines.toSpliced(2, 1), [
    '# Migrating `shop`.`orders`; Ghost table is `shop`.`_orders_gho`',
    '# Migrating primary:3306; inspecting replica:3307; executing on box',
    '# chunk-size: 1200; max-lag-millis: 1500ms; dml-batch-size: 10; ' +
      'max-load: ; critical-load: ; nice-ratio: 0.000000',
    '# throttle-flag-file: /t',
    '# throttle-additional-flag-file: /tmp/gh-ost.throttle',
    '# throttle-control-replicas count: 2',
    '# postpone-cut-over-flag-file: /p [set]',
    '# panic-flag-file: /panic',
    '# Serving on unix socket: /s.sock',
    '# copy workers: 2 (auto)',
  ]);
  assert.equal(statusHeader(snapshotOf(), nothingSet).length, 5);
});

test('durations as Go prints them', () => {
  const cases: [number, string][] = [
    [0, '0s'],
    [0.0125, '13µs'],
    [0.5, '500µs'],
    [150, '150ms'],
    [2.5, '2.5ms'],
    [2500, '2.5s'],
    [60_000, '1m0s'],
    [63_000, '1m3s'],
    [59_999.9999, '1m0s'],
    [3_600_000, '1h0m0s'],
    [93_600_250, '26h0m0.25s'],
    [-1500, '-1.5s'],
  ];
  for (const [ms, expected] of cases) assert.equal(goDuration(ms), expected, String(ms));
  assert.equal(wholeSeconds(999), '0s');
  assert.equal(wholeSeconds(63_999), '1m3s');
  assert.equal(wholeSeconds(-5), '0s');
});

test('moments as Go prints them', () => {
  const atMs = Date.UTC(2006, 0, 2, 22, 4, 5);
  assert.equal(rubyDate(atMs, -420), 'Mon Jan 02 15:04:05 -0700 2006');
  assert.equal(rubyDate(atMs, 0), 'Mon Jan 02 22:04:05 +0000 2006');
  assert.equal(rubyDate(atMs, 330), 'Tue Jan 03 03:34:05 +0530 2006');
});

test('the line is due every second, 5 seconds or 30 seconds', () => {
  const long = 3_600_000;
  // elapsed, remaining, point of interest, expected interval in seconds
  const cases: [number, number | null, number | null, number][] = [
    [0, long, null, 1],
    [59_000, long, null, 1],
    [61_000, long, null, 5],
    [179_000, long, null, 5],
    [300_000, long, null, 30],
    [300_000, 60_000, null, 1],
    [300_000, 150_000, null, 5],
    [300_000, null, null, 1],
    [300_000, 500, null, 1],
    [300_000, long, 270_000, 5],
    [600_000, long, 270_000, 30],
  ];
  for (const [elapsedMs, etaMs, pointOfInterestMs, expected] of cases) {
    const due = (laterMs: number): boolean =>
      shouldPrint(snapshotOf({ elapsedMs: elapsedMs + laterMs, etaMs }), { elapsedMs, pointOfInterestMs });
    const first = [...Array(61).keys()].find((seconds) => seconds > 0 && due(seconds * 1000));
    assert.ok(first !== undefined && first <= expected, `${elapsedMs} ${etaMs}: ${first}`);
    if (expected === 30) assert.ok(first > 5, `${elapsedMs} ${etaMs}: ${first}`);
  }
});

test('a late tick prints late, but is not left out', () => {
  const before = { elapsedMs: 300_000, pointOfInterestMs: null };
  assert.equal(shouldPrint(snapshotOf({ elapsedMs: 329_900, etaMs: 9e6 }), before), false);
  assert.equal(shouldPrint(snapshotOf({ elapsedMs: 331_200, etaMs: 9e6 }), before), true);
  assert.equal(shouldPrintHeader(snapshotOf({ elapsedMs: 599_999 }), before), false);
  assert.equal(shouldPrintHeader(snapshotOf({ elapsedMs: 601_000 }), before), true);
});

test('the printer waits until the copy begins, but not long, and adds nothing to an early refusal', async () => {
  for (const [late, expected] of [
    [{ phase: 'copying', elapsedMs: 1000 }, 12],
    [{ phase: 'preparing', elapsedMs: 5000 }, 12],
    [{ phase: 'failed', elapsedMs: 1000 }, 0],
  ] as [Partial<Snapshot>, number][]) {
    const printed: string[] = [];
    let snapshot = snapshotOf({ elapsedMs: 0, phase: 'starting' });
    const printer = new StatusPrinter({
      clock: { nowMs: () => 0, wallMs: () => 0, sleep: async () => undefined },
      snapshot: () => snapshot,
      facts: async () => nothingSet,
      print: (line) => printed.push(line),
    });
    await printer.tick();
    assert.deepEqual(printed, []);
    snapshot = snapshotOf(late);
    await printer.tick();
    await printer.end();
    assert.equal(printed.length, expected, JSON.stringify(late));
  }
});

test('the printer begins with the header, and looks closer after a reconnect', async () => {
  const printed: string[] = [];
  let snapshot = snapshotOf({ elapsedMs: 0, etaMs: 9e6 });
  const printer = new StatusPrinter({
    clock: { nowMs: () => 0, wallMs: () => 0, sleep: async () => undefined },
    snapshot: () => snapshot,
    facts: async () => nothingSet,
    print: (line) => printed.push(line),
  });
  const linesAt = async (elapsedMs: number, changes: Partial<Snapshot> = {}): Promise<number> => {
    snapshot = snapshotOf({ elapsedMs, etaMs: 9e6, ...changes });
    const before = printed.length;
    await printer.tick();
    return printed.length - before;
  };
  assert.equal(await linesAt(0), 6);
  assert.equal(await linesAt(1000), 1);
  assert.equal(await linesAt(1500), 0);
  assert.equal(await linesAt(300_000), 1);
  assert.equal(await linesAt(306_000), 0);
  assert.equal(await linesAt(307_000, { streamReconnects: 1 }), 1);
  assert.equal(await linesAt(600_500, { streamReconnects: 1 }), 6);
  assert.equal(await linesAt(601_000, { streamReconnects: 1, cutOverAttempts: 1 }), 6);
  assert.equal(await linesAt(602_000, { streamReconnects: 1, cutOverAttempts: 1 }), 0);
});
