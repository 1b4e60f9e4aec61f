// What a checkpoint stores must come back as it was, whatever bytes a key has (HAZARDS 59); a write that
// fails must not end a run too early nor be overlooked (HAZARDS 94); and what becomes of the tables hangs on
// the reason of the end (HAZARDS 93).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Abandoned, Ambiguous, Bug, Failure, Refusal, Transient } from '../../src/base/errors.ts';
import { sentryComment } from '../../src/core/changelog-sql.ts';
import {
  type CheckpointState,
  keyFromText,
  keyToText,
  stateFromText,
  stateToText,
  taskFromText,
  taskToText,
} from '../../src/core/checkpoint.ts';
import { firstCheckpointSql } from '../../src/core/checkpoint-sql.ts';
import { endingOf, panicked } from '../../src/migrator/resume-ending.ts';
import { Replay } from '../../src/migrator/resume-replay.ts';
import { Checkpoints } from '../../src/stages/checkpoint.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';

const state: CheckpointState = {
  position: 'gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5',
  streamed: '3e11fa47-71ca-11e1-9e33-c80aa9429562',
  prefix: { complete: false, low: '0x41\0\x01\x1f"\\\n\xff\u00e9' },
  phase: 'copying',
  rowsCopied: 12,
  chunkRows: 1000,
  marks: 99,
  drained: true,
  settled: true,
  verified: {
    position: 'gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:1-4',
    comparison: 'c',
    prefix: { complete: false, low: '\0\xff' },
    ...{ rows: 7, chunks: 2, chunksSkipped: 1, notCompared: 3, repaired: 2, leftOut: ['f'] },
    repairedRows: ['0123456789abcdef01234567'],
  },
  lossy: ['c'],
  settings: { chunkRows: null, postponeFlagFile: "/tmp/it's \\ here" },
};

describe('what is stored', () => {
  test('keys of any bytes, numbers, and text that looks like hex', () => {
    const bytes = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('');
    for (const key of [0, -5, Number.MAX_SAFE_INTEGER, '', '0x41', 'n:1', bytes]) {
      const text = keyToText(key);
      assert.equal(keyFromText(text), key);
      assert.match(text, /^[ -~]*$/);
    }
    for (const bad of ['', 'n:', 'n:1.5', 'n:9007199254740993', 'x:0', 'x:zz', '12'])
      assert.throws(
        () => keyFromText(bad),
        (error: Refusal) => error.code === 'checkpoint-unreadable',
      );
  });

  test('state and task come back as they were', () => {
    assert.deepEqual(stateFromText(stateToText(state)), state);
    const complete = { ...state, prefix: { complete: true, low: null } };
    assert.deepEqual(stateFromText(stateToText(complete)), complete);
    const { settled: _settled, ...before } = JSON.parse(stateToText(state));
    assert.equal(stateFromText(JSON.stringify(before)).settled, false, 'an older version does not say');
    const { verified: _verified, ...unverified } = JSON.parse(stateToText(state));
    assert.equal(stateFromText(JSON.stringify(unverified)).verified, null, 'an older version does not say');
    const task = {
      ...{
        tool: '1',
        statement: "ADD `ü` CHAR(1) COMMENT '\\'?'",
        statementHash: 'a',
        originalSql: 'CREATE\nTABLE',
      },
      ...{ ghostSql: '', planHash: 'b', server: 'c', flavor: 'mysql', oldName: '_t_del', startedAtMs: 5 },
      deferred: null,
      columns: [{ from: 'a', to: 'b' }],
    };
    assert.deepEqual(taskFromText(taskToText(task)), task);
    const { deferred: _, columns: __, ...older } = task;
    assert.deepEqual(taskFromText(JSON.stringify(older)), { ...task, deferred: null, columns: [] });
    const row = { runId: 'r', writtenAtMs: 1.5, task: taskToText(task), state: stateToText(state) };
    assert.match(
      firstCheckpointSql({ schema: 's', name: 't' }, row),
      /^REPLACE INTO `s`.`t` .* 2, _utf8mb4 x'/,
    );
  });

  test('what is not a checkpoint is refused', () => {
    const texts = ['', '[]', 'null', '{}', stateToText(state).replace('copying', 'napping')];
    texts.push(stateToText(state).replace('"complete":false', '"complete":1'));
    texts.push(stateToText(state).replace('"marks":99', '"marks":-1'));
    texts.push(stateToText(state).replace('"comparison":"c"', '"comparison":1'));
    texts.push(stateToText(state).replace('"low":"x:00ff"', '"low":"00ff"'));
    for (const text of texts)
      assert.throws(
        () => stateFromText(text),
        (error: Refusal) => error.code === 'checkpoint-unreadable',
        text,
      );
    assert.throws(
      () => taskFromText('{"tool":1}'),
      (error: Refusal) => error.code === 'checkpoint-unreadable',
    );
  });
});

describe('the writer of checkpoints', () => {
  /** A writer whose port does what `write` says. */
  function writer(write: (count: number) => unknown, lenient = false) {
    const clock = new VirtualClock();
    const writes: number[] = [];
    const stop = new AbortController();
    const checkpoints = new Checkpoints({
      port: {
        write: async () => {
          writes.push(Math.round(clock.nowMs()));
          await write(writes.length);
        },
      },
      capture: () => state,
      lenient: () => lenient,
      clock,
      log: { info: () => undefined, warn: () => undefined },
    });
    let failure: unknown = null;
    const ended = checkpoints.run(10_000, stop.signal).catch((error: unknown) => {
      failure = error;
    });
    return { checkpoints, clock, writes, stop, ended, failure: () => failure };
  }

  test('writes every interval, and soon after a change of phase', async () => {
    const it = writer(() => undefined);
    await it.clock.advance(25_000);
    assert.equal(it.writes.length, 3);
    it.checkpoints.soon();
    await it.clock.advance(1);
    assert.equal(it.writes.length, 4);
    it.stop.abort();
    await it.ended;
    assert.equal(it.failure(), null);
  });

  test('on demand: what was taken before, and is still being written, does not do (HAZARDS 68)', async () => {
    let go: () => void = () => undefined;
    const it = writer(() => new Promise<void>((resolve) => (go = resolve)));
    let done = false;
    const asked = it.checkpoints.now(it.stop.signal).then(() => {
      done = true;
    });
    await it.clock.advance(1);
    assert.deepEqual([it.writes.length, done], [1, false]);
    go();
    await it.clock.advance(1);
    assert.deepEqual([it.writes.length, done], [2, false]);
    go();
    await it.clock.advance(1);
    await asked;
    it.stop.abort();
    await it.ended;
  });

  test('tries again; ends the run after ten failures in a row, or at once when it is hopeless', async () => {
    const now = writer((count) => {
      if (count % 10 !== 0) throw new Transient('no');
    });
    await now.clock.advance(300_000);
    assert.ok(now.writes.length > 20);
    assert.equal(now.failure(), null);
    now.stop.abort();
    await now.ended;
    const never = writer(() => {
      throw new Transient('no');
    });
    await never.clock.advance(300_000);
    assert.equal(never.writes.length, 10);
    assert.match(String(never.failure()), /10 times in a row/);
    const taken = writer(() => {
      throw new Failure('taken over', { reason: 'lock-lost' });
    });
    await taken.clock.advance(1);
    assert.equal((taken.failure() as Failure).reason, 'lock-lost');
  });

  test('never stands in the way of a cut-over', async () => {
    const it = writer(() => {
      throw new Failure('gone');
    }, true);
    await it.clock.advance(300_000);
    assert.ok(it.writes.length > 20);
    assert.equal(it.failure(), null);
    it.stop.abort();
    await it.ended;
  });
});

test('the reason decides what becomes of the tables', () => {
  const cases: readonly (readonly [Error, string, string])[] = [
    [new Abandoned('SIGTERM received'), 'keep', 'remove'],
    [new Transient('connection lost'), 'keep', 'remove'],
    [new Failure('the disk is full'), 'keep', 'remove'],
    [new Error('what nobody thought of'), 'keep', 'remove'],
    [new Refusal('alter', 'no'), 'keep', 'remove'],
    [new Bug('oops'), 'leave', 'remove'],
    [new Ambiguous('which is which'), 'leave', 'leave'],
    [panicked('panic'), 'leave', 'leave'],
    [new Failure('two rows', { reason: 'collision' }), 'remove', 'remove'],
    [new Failure('altered', { reason: 'world-changed' }), 'remove', 'remove'],
    [new Failure('lock', { reason: 'lock-lost' }), 'leave', 'leave'],
  ];
  for (const [error, resumable, fresh] of cases) {
    assert.equal(endingOf(error, true), resumable, error.message);
    assert.equal(endingOf(error, false), fresh, error.message);
  }
});

test('what a dead run did to its own tables is forgiven until the first mark of this run', () => {
  const ref = (name: string) => ({ schema: 's', name });
  const refs = {
    ghost: ref('_t_gho'),
    old: ref('_t_del'),
    sentry: ref('t_ghs'),
    changelog: ref('_t_ghc'),
    checkpoint: ref('_t_ghk'),
  };
  const step = { names: ['k'], clauses: 'ADD KEY `k` (`a`)', lock: 'NONE', unique: false } as const;
  const replay = new Replay(1000, ref('t'), refs, { indexes: [], steps: [step] });
  const ours = [
    'ALTER TABLE `s`.`_t_gho` AUTO_INCREMENT = 15',
    'ALTER TABLE `s`.`_t_gho` ADD KEY `k` (`a`), ALGORITHM=INPLACE, LOCK=NONE',
    'DROP TABLE `s`.`_t_del` /* generated by server */',
    'DROP TABLE `s`.`t_ghs` /* generated by server */',
    `CREATE TABLE \`s\`.\`_t_del\` (id INT NOT NULL PRIMARY KEY) COMMENT='${sentryComment}'`,
  ];
  for (const sql of ours) assert.ok(replay.forgives(sql, 's'), sql);
  for (const sql of ['TRUNCATE `s`.`_t_gho`', 'ALTER TABLE `s`.`t` ADD x INT', 'DROP TABLE `s`.`_t_gho`'])
    assert.ok(!replay.forgives(sql, 's'), sql);
  replay.marked({ id: 1, sequence: 1000, writtenAtMs: 0 });
  assert.ok(replay.forgives(ours[0]!, 's'));
  replay.marked({ id: 1, sequence: 1001, writtenAtMs: 0 });
  assert.ok(!replay.forgives(ours[0]!, 's'));
});
