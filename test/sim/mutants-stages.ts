import { type Mutant, one } from './mutant.ts';

const heartbeat = 'src/stages/heartbeat.ts';
const copier = 'src/stages/copier.ts';
const applier = 'src/stages/applier.ts';
const chunker = 'src/stages/chunker.ts';
const conflicts = 'src/stages/conflicts.ts';
const turnstile = 'src/base/turnstile.ts';
const throttler = 'src/stages/throttler.ts';

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
    'await retry(`conflict of chunk ${chunk.number}`, resolve, signal)',
    'await resolve()',
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
    'await turnstile.shared(() => this.#syncNext(signal), signal)',
    'await this.#syncNext(signal)',
  ),
  one('no drain', 'I6', applier, 'while (!changes.empty) await', 'while (false as boolean) await'),
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
    'this.#turnstile.exclusive(async',
    'this.#turnstile.shared(async',
  ),
  one(
    'the original is not asked about a collision',
    'I5',
    conflicts,
    'if (!this.#options.addedUniqueness) return;',
    'if (this.#options) return;',
  ),
  one('no reading on', 'I5', conflicts, 'if (attempt > 0) await this.#readOn(signal);', ''),
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
    'timer.abort();',
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
    'if (reason === undefined) return `${name} not read yet`;',
    'if (reason === undefined) continue;',
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
];
