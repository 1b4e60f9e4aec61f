/** One replacement in a file; `from` must be there exactly once. */
export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A defect put in on purpose, and the test that must find it. */
export interface Mutant {
  readonly name: string;
  /** What does not hold any more. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
  /** `sim`, or the path of a test file. */
  readonly caughtBy: string;
}

const changeset = 'src/core/changeset.ts';
const watermark = 'src/core/watermark.ts';
const heartbeat = 'src/stages/heartbeat.ts';
const copier = 'src/stages/copier.ts';
const applier = 'src/stages/applier.ts';
const chunker = 'src/stages/chunker.ts';
const conflicts = 'src/stages/conflicts.ts';
const turnstile = 'src/base/turnstile.ts';
const throttler = 'src/stages/throttler.ts';
const simStore = 'test/sim/store.ts';
const simStream = 'test/sim/stream.ts';

function one(name: string, breaks: string, file: string, from: string, to: string, caughtBy = 'sim'): Mutant {
  return { name, breaks, edits: [{ file, from, to }], caughtBy };
}

/** Visibility and marks. */
const marks: readonly Mutant[] = [
  one('no mark before a chunk', 'I2, I3', copier, 'await visibility.cover(changes.lastDrop);', ''),
  one(
    'the start counts as visible',
    'I1, I2',
    heartbeat,
    '#visible: Frontier = { receipt: -1,',
    '#visible: Frontier = { receipt: 0,',
  ),
  one(
    'a sync before its mark',
    'I2',
    changeset,
    'const whole = change.last <= visible.receipt;',
    'const whole = true;',
  ),
  {
    name: 'the frontier is taken after the mark was written',
    breaks: 'I2',
    caughtBy: 'sim',
    edits: [
      {
        file: heartbeat,
        from: 'const frontier = { receipt: this.#received.receipt, position: this.#received.readPosition };',
        to: 'let frontier: Frontier;',
      },
      {
        file: heartbeat,
        from: 'await this.#port.writeMark(sequence, this.#clock.wallMs());',
        to: 'await this.#port.writeMark(sequence, 0); frontier = { receipt: this.#received.receipt, position: this.#received.readPosition };',
      },
    ],
  },
  {
    name: 'drops are looked at before the dispatch',
    breaks: 'I2, I3',
    caughtBy: 'sim',
    edits: [
      {
        file: copier,
        from: "const chunk = await retry('looking",
        to: "const dropped = this.#parts.changes.lastDrop; const chunk = await retry('looking",
      },
      {
        file: copier,
        from: 'await this.#copy(chunk, signal)',
        to: 'await this.#copy(chunk, signal, dropped)',
      },
      {
        file: copier,
        from: 'async #copy(chunk: Chunk, signal: AbortSignal)',
        to: 'async #copy(chunk: Chunk, signal: AbortSignal, dropped: number)',
      },
      { file: copier, from: 'visibility.cover(changes.lastDrop)', to: 'visibility.cover(dropped)' },
    ],
  },
  one('a drop is not remembered', 'I2, I3', changeset, 'this.#lastDrop = this.#receipt;', ''),
  {
    name: 'marks of an earlier run count',
    breaks: 'I6 after a resume',
    caughtBy: 'sim',
    edits: [
      { file: heartbeat, from: 'this.#sequence = lastSequence;', to: 'this.#sequence = 0;' },
      { file: heartbeat, from: 'this.#passed = lastSequence;', to: 'this.#passed = 0;' },
    ],
  },
  one(
    'a mark is passed when it is committed',
    'I6',
    heartbeat,
    'await this.changed.until(() => this.#passed >= mark.sequence, limit.signal);',
    '',
  ),
];

/** Where keys lie, and what is held. */
const places: readonly Mutant[] = [
  one(
    'no hold of keys in flight',
    'I3',
    watermark,
    'for (const chunk of this.#flights.values()) if (this.#contains(chunk, key)) return chunk;',
    '',
  ),
  {
    name: 'JS orders collated keys',
    breaks: 'I4',
    caughtBy: 'sim',
    edits: [
      { file: watermark, from: "if (!this.#order.comparable) return 'unknown';", to: '' },
      {
        file: 'test/sim/row.ts',
        from: "if (!this.comparable) throw new Bug('JS compared collated keys');",
        to: '',
      },
      { file: 'test/sim/row.ts', from: "import { Bug } from '../../src/base/errors.ts';", to: '' },
    ],
  },
  one(
    'above by a stale high watermark',
    'I3, I4',
    changeset,
    'const current = this.#watermark.dispatched === dispatchedWhenAsked;',
    'const current = true;',
  ),
  one(
    'a drop by the server is not remembered',
    'I2, I3',
    changeset,
    "if (place === 'above') this.#lastDrop = Math.max(this.#lastDrop, change.last);",
    "if (place === 'above') continue;",
  ),
  one(
    'a chunk that the server named is not held',
    'I3',
    changeset,
    "else if (place !== 'copied' && this.#watermark.flights.includes(place)) {",
    'else if (false) {',
  ),
  one(
    'low is the last chunk to end',
    'I8',
    watermark,
    'this.#parked.set(chunk.number, chunk);',
    'this.#low = chunk.range.upTo; if (this.#low !== null) return;',
  ),
  one('keys at the tail are above for ever', 'I3', watermark, 'if (this.#ended) return false;', ''),
  one(
    'complete before the last ones end',
    'I3',
    watermark,
    'return this.#ended && this.#flights.size === 0;',
    'return this.#ended;',
  ),
  one(
    'chunks leave gaps',
    'I6',
    'test/sim/row.ts',
    'if (range.after !== null && rank <= this.rank(range.after)) return false;',
    'if (range.after !== null && rank <= this.rank(range.after) + 1) return false;',
  ),
];

/** The areas of the change set. */
const changes: readonly Mutant[] = [
  one(
    'no reservation',
    'no two syncs of a key overlap',
    changeset,
    'if (this.#reserved.has(key)) continue;',
    '',
  ),
  one('hot remainder forgotten', 'I6', changeset, 'if (!whole) this.#keepHot(key, change, visible);', ''),
  one(
    'a touch while reserved is lost',
    'I6',
    changeset,
    '    const waiting = ',
    '    if (this.#reserved.has(key)) return;\n    const waiting = ',
  ),
  one('the older verdict stays', 'I6', changeset, 'waiting.deleted = deleted;', ''),
  one('the older receipt stays', 'I2', changeset, '      waiting.last = this.#receipt;', ''),
  one(
    'given back over a younger event',
    'I2, I6',
    changeset,
    'if (younger) {',
    'if (false as boolean && younger) {',
  ),
  one(
    'parked keys are let go',
    'I3',
    changeset,
    'const held = this.#parked.get(chunk.number);',
    'const held = undefined as Map<Key, Change> | undefined;',
  ),
  one(
    'the reserved are claimed as applied',
    'I8',
    changeset,
    'this.#unplaced, this.#reserved, ...',
    'this.#unplaced, ...',
  ),
  one(
    'what is read is claimed as applied',
    'I8',
    changeset,
    'let oldest = this.#receipt + 1;',
    'let oldest = 0;',
  ),
  one(
    'a hot key claims too much',
    'I8',
    changeset,
    'position: visible.position,',
    'position: this.#position,',
  ),
  one(
    'unplaced keys stay for ever',
    'I6',
    changeset,
    'if (this.#watermark.complete) this.#admitUnplaced();',
    '',
  ),
  one(
    'hot keys wait for ever',
    'I8',
    changeset,
    'if (!whole && change.first > aged.receipt) continue;',
    'if (!whole) continue;',
    'test/unit/changeset.test.ts',
  ),
];

/** What runs beside what. */
const stages: readonly Mutant[] = [
  one(
    'settle before commit',
    'I3',
    copier,
    '    let rows: number;',
    '    watermark.settle(chunk); changes.settled(chunk); watermark.settle = () => undefined;\n    let rows: number;',
  ),
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

/** What the statements and the stream must be like; the real ones are tested on real servers. */
const server: readonly Mutant[] = [
  one(
    'REPLACE in the copier',
    'I3, I5',
    simStore,
    'await this.#insertAll(transaction, rows, signal);\n      return rows.length;\n    };',
    'for (const [rank, row] of rows) await this.#locked(() => transaction.replace(rank, row), signal);\n      return rows.length;\n    };',
  ),
  one(
    'IGNORE in the copier',
    'I3, I5',
    simStore,
    'await this.#insertAll(transaction, rows, signal);\n      return rows.length;\n    };',
    'for (const [rank, row] of rows) await this.#locked(() => transaction.insert(rank, row), signal);\n      return rows.length;\n    };',
  ),
  one(
    'parallel REPLACE beside a second unique key',
    'DESIGN 2, HAZARDS 120',
    simStore,
    "(manner === 'alone' && uniqueness === 'enforced')",
    "uniqueness === 'enforced'",
  ),
  one(
    'REPLACE where the ALTER adds uniqueness',
    'I5',
    simStore,
    "(manner === 'alone' && uniqueness === 'enforced')",
    "manner === 'alone'",
  ),
  one(
    'only the deleted are deleted',
    'DESIGN 2',
    simStore,
    "uniqueness === 'none' ? new Set(deleted.map((key) => space.rank(key))) : ranks",
    'new Set(deleted.map((key) => space.rank(key)))',
  ),
  one(
    'nothing is deleted',
    'I6',
    simStore,
    "uniqueness === 'none' ? new Set(deleted.map((key) => space.rank(key))) : ranks",
    "uniqueness === 'none' ? new Set<number>() : ranks",
  ),
  one(
    'XA rows count at PREPARE',
    'I9',
    simStream,
    "entry.kind === 'rows' || entry.kind === 'xa-commit'",
    "entry.kind === 'rows' || entry.kind === 'xa-prepare'",
  ),
  one(
    'a reconnect goes on in mid-transaction',
    'I9',
    simStream,
    '    this.#event = 0;\n  }\n\n  #next',
    '    this.#event = 0;\n    if (this.hasMore) this.#entry += 1;\n  }\n\n  #next',
  ),
  one(
    'a resume leaves what lies above the prefix',
    'I8',
    'test/sim/world.ts',
    'if (!isCopied(rank)) ghost.rows.delete(rank);',
    'void isCopied;',
  ),
];

/** What unit tests pin. */
const units: readonly Mutant[] = [
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
    'if (this.#urgent > 0 && changes.receipt > visibility.visible.receipt) await visibility.mark();\n    else',
    '',
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

/**
 * Left out, because they change nothing that can be seen from outside: an exclusive sync without a mark of its own (it syncs
 * less and tries again); a batch that is taken before the turnstile (its rows are displaced and written again); a change
 * given back without its age (the younger event of its key lies after any position that is claimed); parked keys that are
 * claimed as applied (their chunk lies above the low watermark, so a resume copies it again).
 */
export const mutants: readonly Mutant[] = [...marks, ...places, ...changes, ...stages, ...server, ...units];
