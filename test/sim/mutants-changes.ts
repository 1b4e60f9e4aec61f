import { type Mutant, one } from './mutant.ts';

const changeset = 'src/core/changeset.ts';
const simStore = 'test/sim/store.ts';
const simStream = 'test/sim/stream.ts';

const eachRow = 'for (const [rank, row] of rows) await this.#locked(() =>';
const end = '\n      return rows.length;\n    };';

/** The areas of the change set. */
export const changes: readonly Mutant[] = [
  one(
    'a range of keys covers one that is not of the batch',
    'I3, no two syncs of a key overlap',
    'src/core/key-runs.ts',
    'sorted[to - 1]! + 1)',
    'sorted[to - 1]! + 2)',
    'test/unit/key-range.test.ts',
  ),
  one(
    'ranges of keys that others may lie between',
    'I3',
    'src/core/key-range.ts',
    'single && integerBytes(columns[0] as Column) !== undefined',
    'single',
    'test/unit/key-range.test.ts',
  ),
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
    'sim @70',
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
    'if (first <= oldest.receipt) oldest = { receipt: first - 1, position };',
    'void [first, position];',
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
    'test/unit/changeset.test.ts',
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

/** What the statements and the stream must be like; the real ones are tested on real servers. */
export const server: readonly Mutant[] = [
  one(
    'REPLACE in the copier',
    'I3, I5',
    simStore,
    'await this.#insertAll(transaction, rows, signal);\n      return rows.length;\n    };',
    `${eachRow} transaction.replace(rank, row), signal);${end}`,
    'sim @361',
  ),
  one(
    'IGNORE in the copier',
    'I3, I5',
    simStore,
    'await this.#insertAll(transaction, rows, signal);\n      return rows.length;\n    };',
    `${eachRow} transaction.insert(rank, row), signal);${end}`,
    'sim @361',
  ),
  one(
    'parallel REPLACE beside a second unique key',
    'DESIGN 2, HAZARDS 120',
    simStore,
    "(manner === 'alone' && uniqueness === 'enforced')",
    "uniqueness === 'enforced'",
    `sim @83 ${JSON.stringify({ uniqueness: 'enforced', collide: false, dawdle: 40, sessions: 3, workers: 3, kind: 'integer' })}`,
  ),
  one(
    'REPLACE where the ALTER adds uniqueness',
    'I5',
    simStore,
    "(manner === 'alone' && uniqueness === 'enforced')",
    "manner === 'alone'",
    'sim @322',
  ),
  one(
    'a chunk displaces rows beside others',
    'DESIGN 2, HAZARDS 120',
    simStore,
    "if (manner === 'alone' && this.#options.uniqueness === 'enforced') {",
    "if (this.#options.uniqueness === 'enforced') {",
    `sim ${JSON.stringify({ uniqueness: 'enforced', collide: false, dawdle: 40, sessions: 3, workers: 3, kind: 'integer' })}`,
  ),
  one(
    'a chunk displaces rows where the ALTER adds uniqueness',
    'I5',
    simStore,
    "if (manner === 'alone' && this.#options.uniqueness === 'enforced') {",
    "if (manner === 'alone') {",
    `sim ${JSON.stringify({ uniqueness: 'added', collide: true })}`,
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
    "entry.kind === 'rows' || (entry.kind === 'xa-commit' && this.#prepared.has(entry.work))",
    "entry.kind === 'rows' || entry.kind === 'xa-prepare'",
  ),
  one(
    'a position after a pending XA PREPARE is claimed',
    'I8, I9',
    simStream,
    'Math.min(this.#entry, ...this.#prepared.values())',
    'this.#entry',
    `sim @68 ${JSON.stringify({ xa: true, capacity: 1000, damage: null, keys: 6, transactions: 40 })}`,
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
    'sim @56',
  ),
  one(
    'a chunk in conflict is copied as if others were there',
    'a copy that does not end',
    'src/stages/conflicts.ts',
    "store.copy(range, 'alone', signal)",
    "store.copy(range, 'beside', signal)",
    'test/unit/conflicts.test.ts',
  ),
];
