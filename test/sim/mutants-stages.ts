import { type Mutant, one } from './mutant.ts';

const heartbeat = 'src/stages/heartbeat.ts';
const copier = 'src/stages/copier.ts';
const applier = 'src/stages/applier.ts';
const chunker = 'src/stages/chunker.ts';
const conflicts = 'src/stages/conflicts.ts';
const turnstile = 'src/base/turnstile.ts';
const throttler = 'src/stages/throttler.ts';

/** Rows that meet others' unique values, up to the moment of the cut-over. */
const conflictsLate = {
  ...{
    uniqueness: 'added',
    collide: false,
    kind: 'integer',
    keys: 4,
    more: [15, 0],
    sessions: 3,
    capacity: 1000,
  },
  ...{ failure: 0.1, heartbeatMs: 5, damage: null, failoverAfter: null, alterAfter: null, dieAt: null },
};

/** What runs beside what. */
export const stages: readonly Mutant[] = [
  {
    name: 'settle before commit',
    breaks: 'I3',
    caughtBy: 'sim',
    edits: [
      {
        file: copier,
        from: '    watermark.settle(chunk);\n    changes.settled(chunk);\n    return rows;',
        to: 'return rows;',
      },
      {
        file: copier,
        from: '    let rows: number;',
        to: '    watermark.settle(chunk);\n    changes.settled(chunk);\n    let rows: number;',
      },
    ],
  },
  one('retry without clearing', 'I3', copier, 'if (attempt > 0) await store.clear(chunk.range, signal);', ''),
  one('a chunk is not settled', 'I6', copier, 'changes.settled(chunk);', ''),
  one(
    'bounds are not retried',
    'a Transient ends the copy',
    copier,
    "await retry('looking up a chunk', () => chunks.next(signal), signal)",
    'await chunks.next(signal)',
  ),
  one(
    'conflicts are not retried',
    'a Transient ends the copy',
    copier,
    'rows = await retry(',
    'rows = await ((_what: string, work: () => Promise<number>, _signal: AbortSignal) => work())(',
  ),
  one(
    'copies pass beside an exclusive sync',
    'DESIGN 2',
    copier,
    'turnstile.shared(async () => {',
    '((work: () => Promise<number>, _: AbortSignal) => work())(async () => {',
  ),
  one(
    'syncs pass beside an exclusive sync',
    'DESIGN 2',
    applier,
    'turnstile.shared(() => this.#syncNext(signal), signal)',
    'this.#syncNext(signal)',
  ),
  one(
    'no drain',
    'I6',
    applier,
    'while (!changes.empty) await',
    'while (false as boolean) await',
    'test/unit/applier.test.ts',
  ),
  one('a failed sync is forgotten', 'I6', applier, 'changes.giveBack(batch);', 'changes.release(batch);'),
  one(
    'a failed look-ahead stays',
    'a Transient ends the copy',
    chunker,
    '    this.#ahead = null;\n    const upTo',
    '    const upTo',
  ),
  one(
    'leftovers block the exclusive sync',
    'DESIGN 2',
    conflicts,
    'before: () => store.clear(range, signal),',
    'before: async () => undefined,',
  ),
  one(
    'an exclusive sync that failed is forgotten',
    'I6',
    conflicts,
    'this.#changes.giveBack(batch);',
    'this.#changes.release(batch);',
  ),
  one(
    'the exclusive sync is not alone',
    'DESIGN 2',
    conflicts,
    'exclusive(async () => {\n          await work',
    'shared(async () => {\n          await work',
  ),
  one(
    'the original is not asked about a collision',
    'I5',
    conflicts,
    'if (!this.#options.addedUniqueness) return;',
    'if (this.#options) return;',
  ),
  one(
    'the question about a collision runs beside the swap',
    'I7',
    conflicts,
    'await this.#turnstile.shared(() => this.#refuseCollision(where, violated, signal), signal);',
    'await this.#refuseCollision(where, violated, signal);',
    `sim ${JSON.stringify(conflictsLate)}`,
  ),
  one(
    'no reading on',
    'I5',
    conflicts,
    'if (attempt > 0) await this.readOn(signal);',
    '',
    'test/unit/conflicts.test.ts',
  ),
  one(
    'added uniqueness in small batches',
    'I5',
    conflicts,
    'this.#options.addedUniqueness ? Number.POSITIVE_INFINITY : this.#options.batchKeys',
    'this.#options.batchKeys',
  ),
  one(
    'exclusive does not wait for what runs',
    'DESIGN 2',
    turnstile,
    'while (this.#alone || this.#inside > 0)',
    'while (this.#alone)',
  ),
  one(
    'two exclusives on one beat',
    'DESIGN 2',
    turnstile,
    'while (this.#alone || this.#inside > 0)',
    'if (this.#alone || this.#inside > 0)',
  ),
  one(
    'shared ones pass an exclusive one',
    'DESIGN 2',
    turnstile,
    'while (this.contended) await this.#changed.next(signal);',
    '',
  ),
];

/** What unit tests pin. */
export const units: readonly Mutant[] = [
  one(
    'the last failure wins',
    'Scope',
    'src/base/scope.ts',
    'this.#failure ??= error;',
    'this.#failure = error;',
    'test/unit/scope.test.ts',
  ),
  one(
    'close leaves work running',
    'Scope',
    'src/base/scope.ts',
    'this.#tasks.add(ended);',
    '',
    'test/unit/scope.test.ts',
  ),
  one(
    'any leaves waiters behind',
    'Pulse',
    'src/base/pulse.ts',
    'for (const pulse of pulses) pulse.#waiters.delete(wake);',
    '',
    'test/unit/pulse.test.ts',
  ),
  one(
    'a deadline is not cleared',
    'Pulse',
    'src/base/pulse.ts',
    'timer.abort(cleared);',
    '',
    'test/unit/pulse.test.ts',
  ),
  one(
    'retry takes anything',
    'Retry',
    'src/base/retry.ts',
    'if (!(error instanceof Transient)) throw error;',
    '',
    'test/unit/retry.test.ts',
  ),
  one(
    'retry without a bound',
    'Retry',
    'src/base/retry.ts',
    'if (attempt + 1 >= options.attempts) {',
    'if (attempt > 1e6) {',
    'test/unit/retry.test.ts',
  ),
  one(
    'a left exclusive blocks the others',
    'Turnstile',
    turnstile,
    'if (!this.#alone) this.#changed.beat();',
    '',
    'test/unit/turnstile.test.ts',
  ),
  one(
    'an unread signal is open',
    'Throttler',
    throttler,
    'if (reason === undefined) return',
    "if (reason === undefined) continue; if (reason === 'never') return",
    'test/unit/throttler.test.ts',
  ),
  one(
    'a deaf signal stays open',
    'Throttler',
    throttler,
    'await Promise.race([source.read(limit.signal), aborted(limit.signal)])',
    'await source.read(limit.signal)',
    'test/unit/throttler.test.ts',
  ),
  one(
    'feedback of another size',
    'Chunker',
    chunker,
    'if (chunk.rowsAimed !== this.#rows) return;',
    '',
    'test/unit/chunker.test.ts',
  ),
  one(
    'growth without a bound',
    'Chunker',
    chunker,
    'rowsMax, this.#rows * growthMax)',
    'rowsMax)',
    'test/unit/chunker.test.ts',
  ),
  one(
    'foreign marks count',
    'Heartbeat',
    heartbeat,
    ' || row.sequence > this.#sequence',
    '',
    'test/unit/heartbeat.test.ts',
  ),
  one(
    'a drain waits for the heartbeat',
    'Applier',
    applier,
    'if (this.#urgent > 0 && changes.receipt > visibility.visible.receipt)',
    'if (this.#urgent < 0)',
    'test/unit/applier.test.ts',
  ),
  one(
    'a drain waits for the gate',
    'Applier',
    applier,
    'await Promise.race([gate.pass(either), this.#modeChanged.next(either)])',
    'await gate.pass(either)',
    'test/unit/applier.test.ts',
  ),
  one(
    'a full stream is waited for',
    'a deadlock with the stream',
    conflicts,
    'await Promise.race([passed, full])',
    'await passed',
    'test/unit/conflicts.test.ts',
  ),
  one(
    'hot keys are left out of the exclusive sync',
    'I5',
    conflicts,
    'this.#changes.take(limit, frontier, frontier)',
    'this.#changes.take(limit, frontier, { receipt: -1, position: null })',
    'test/unit/conflicts.test.ts',
  ),
  one(
    'nothing tells that the set is full',
    'a deadlock with the stream',
    'src/core/changeset.ts',
    '    this.#filled = true;\n    this.changed.beat();',
    '    this.#filled = true;',
    'test/unit/changeset.test.ts',
  ),
  {
    name: 'pauses are spent in the turnstile',
    breaks: 'Applier',
    caughtBy: 'test/unit/applier.test.ts',
    edits: [
      {
        file: applier,
        from: 'turnstile.shared(() => this.#syncNext(signal), signal);',
        to: 'this.#syncNext(signal);',
      },
      {
        file: applier,
        from: "await retry('sync', syncNext, signal)",
        to: "await turnstile.shared(() => retry('sync', syncNext, signal), signal)",
      },
    ],
  },
];
