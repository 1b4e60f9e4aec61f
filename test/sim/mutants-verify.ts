import { type Mutant, one } from './mutant.ts';

const verifier = 'src/stages/verifier.ts';
const watch = 'src/core/verify-watch.ts';
const changeset = 'src/core/changeset.ts';
const simStore = 'test/sim/verify-store.ts';
const sql = 'src/core/comparison-sql.ts';
const comparison = 'src/core/comparison.ts';
const rowHash = 'src/core/row-hash.ts';
const inHash = 'test/unit/row-hash.test.ts';
const prefix = 'src/core/verify-prefix.ts';
const repairs = 'src/core/verify-repairs.ts';
const inClaim = 'test/unit/verifier-claim.test.ts';
/** The process dies while it verifies. */
const crashing = { damage: 2, spoils: 2, crashAfter: 300, capacity: 1000, collide: false, xa: false };
const acrossCrash = JSON.stringify({ ...crashing, dieAt: null, failoverAfter: null });
const inUnit = 'test/unit/verifier.test.ts';
const inSql = 'test/unit/verifier-sql.test.ts';

/** What the comparison sees, and what the verifier makes of it (I6). */
export const verification: readonly Mutant[] = [
  one('nothing is counted', 'I6', simStore, 'original.n === copy.n && ', ''),
  one('NULL in a column hides its row', 'I6', rowHash, 'return nullable ? ', 'return !nullable ? ', inHash),
  one(
    'columns lie on top of each other in a word',
    'I6',
    rowHash,
    'words[word]!.push({ index, shift })',
    'words[word]!.push({ index, shift: 0 })',
    inHash,
  ),
  one('words of a row cancel out', 'I6', rowHash, '((BigInt(n + 1) * golden)', '((1n * golden)', inHash),
  one('a SET is compared as a double', 'I6', comparison, ' | 0)`', ' + 0)`', inSql),
  one('nothing is counted in SQL', 'I6', sql, 'SELECT COUNT(*) AS n', 'SELECT 0 AS n', inSql),
  one(
    'rows that have swapped their values look alike',
    'I6',
    simStore,
    'return scramble(version ^ quietVersion(rank, u));',
    'return version ^ quietVersion(rank, u);',
    `sim @47 ${JSON.stringify({ damage: 1, spoils: 0, keys: 11, chunkRows: 8, uniqueness: 'none', transactions: 3 })}`,
  ),
  one('the sum is linear in SQL', 'I6', rowHash, 'return `CRC32(', 'return `(', inHash),
  one(
    'what differs is forgotten',
    'I6',
    verifier,
    'for (const key of keys) this.#watch.suspect(key);',
    'void keys;',
  ),
  one(
    'a difference of a chunk is believed at once',
    'a false alarm',
    verifier,
    'for (const key of keys) this.#watch.suspect(key);',
    [
      "for (const key of keys) this.#repairs.begin(key, ['?']);",
      "for (const key of keys) this.#repairs.tell(key, ['?']);",
      'for (const key of keys) this.#parts.changes.touch(key, true);',
    ].join('\n'),
  ),
  {
    name: 'keys that wait for their sync are judged',
    breaks: 'a false alarm',
    caughtBy: 'sim',
    edits: [
      {
        file: verifier,
        from: 'const keys = taken.filter((key) => !changes.has(key));',
        to: 'const keys = taken;',
      },
      {
        file: verifier,
        from: 'for (const key of taken) if (changes.has(key)) watch.postpone(key, false, watch.isTouched(key) ? 1 : 0);',
        to: 'void changes;',
      },
    ],
  },
  one(
    'a row that changes is judged',
    'a false alarm',
    verifier,
    'const defects = [...judged].filter(([key]) => watch.isStill(key));',
    'const defects = [...judged];',
    'sim @35',
  ),
  one(
    'the mark after a look is not waited for',
    'a false alarm',
    verifier,
    "if (judged.size > 0) await retry('verifying rows', pass, signal);",
    '',
    'sim @62',
  ),
  one(
    'touches of keys that are looked at are not seen',
    'a false alarm',
    watch,
    'if (this.#guarded.has(key)) this.#touched.add(key);',
    '',
    'sim @62',
  ),
  one(
    'a repaired row is not looked at again',
    'I6',
    verifier,
    '      changes.touch(key, true);\n      watch.suspect(key);',
    '      changes.touch(key, true);',
  ),
  one('a difference is told and not repaired', 'I6', verifier, '      changes.touch(key, true);\n', ''),
  one(
    'one more difference of a repaired row is nothing',
    'I6',
    repairs,
    'if (this.#rows.has(name)) throw',
    'if (this.#rows.has(name) && this.#told < 0) throw',
    inUnit,
  ),
  one(
    'keys that change after their chunk are not watched',
    'I6',
    verifier,
    "this.#watch.touch(key, this.#touchSample.next() || this.#state === 'remembering', before);",
    'void before;',
  ),
  one(
    'what was pending when it began is not watched',
    'I6',
    verifier,
    'for (const key of changes.pending()) this.#touched(key, applied);',
    '',
  ),
  one(
    'what waits for its sync is left out on one side only',
    'a false alarm',
    sql,
    "const rest = without.length === 0 ? '' :",
    "const rest = without.length === 0 || which === 'ghost' ? '' :",
    inSql,
  ),
  one(
    'chunks are compared without rows that nobody will compare again',
    'I6',
    'src/core/verify-owed.ts',
    'for (const key of changes.pending()) {',
    'for (const key of range.upTo === null ? changes.pending() : [range.upTo]) {',
    `sim @21 ${JSON.stringify({ damage: 1, spoils: 0 })}`,
  ),
  one(
    'what is found under the lock is let go',
    'I6',
    verifier,
    'if (judged.size > 0) throw differUnderLock',
    'if (judged.size < 0) throw differUnderLock',
    inUnit,
  ),
  one(
    'the claim passes a chunk with a suspect',
    'a claim that is wrong (I8)',
    prefix,
    '!next || next.differing.some(isOpen)',
    '!next',
    inClaim,
  ),
  one(
    'the claim outlives a repair',
    'HAZARDS 67, 68',
    verifier,
    '      this.#prefix.makeVoid();\n',
    '',
    inClaim,
  ),
  one(
    'the claim is given up, and not on record',
    'HAZARDS 68',
    verifier,
    '\n      await this.#parts.record(signal);',
    '',
    inClaim,
  ),
  one(
    'the position of the claim passes keys that wait',
    'a claim that is wrong (I8)',
    verifier,
    'watch.broughtFrom(applied, prefix.beyond)',
    'applied',
    `sim @237 ${acrossCrash}`,
  ),
  one(
    'a run that goes on forgets what is touched before it compares',
    'a claim that is wrong (I8)',
    verifier,
    "(this.#state === 'remembering' && chunks.isAhead(key))",
    "this.#state === 'remembering'",
    inClaim,
  ),
  one(
    'a run that goes on has claimed everything',
    'a claim that is wrong (I8)',
    verifier,
    'parts.chunks.begin(prefix);',
    'parts.chunks.begin({ complete: true, low: null });',
    `sim @247 ${acrossCrash}`,
  ),
  one(
    'a checkpoint that was taken before counts as written after',
    'HAZARDS 68',
    'src/stages/checkpoint.ts',
    'const wanted = this.#taken + 1;',
    'const wanted = this.#taken;',
    'test/unit/checkpoint.test.ts',
  ),
  one('one pass is enough', 'I6', verifier, 'if (!this.#repairs.castDoubt) break;', 'break;', inUnit),
  one(
    'a repair after the last pass casts no doubt',
    'HAZARDS 67',
    repairs,
    'return this.found !== this.#foundBefore;',
    'return this.#foundBefore === null;',
    inUnit,
  ),
  one(
    'a look that ends beside the last comparison casts no doubt',
    'HAZARDS 67',
    verifier,
    '    // A look that had begun before may have come to its end meanwhile.\n    this.#repairs.refuseDoubt();\n',
    '',
    `sim @84 ${JSON.stringify({ damage: 0, spoils: 1, uniqueness: 'enforced', kind: 'integer' })}`,
  ),
  one(
    'everything is compared once more before a repair has been made',
    'a claim that is wrong (I8)',
    verifier,
    'await this.#progressed.until(() => this.#repairs.outstanding === 0, signal);',
    '',
    `sim @7456 ${JSON.stringify({ damage: 1, spoils: 2, collide: false, xa: false, dieAt: 'locking' })}`,
  ),
  one(
    'repairs of an earlier run are forgotten',
    'HAZARDS 67',
    repairs,
    "for (const name of before?.repairedRows ?? []) this.#rows.set(name, 'right');",
    '',
    inClaim,
  ),
  one(
    'a row that was not found right counts as repaired to the next run',
    'a false alarm',
    repairs,
    "filter(([, state]) => state === 'right')",
    'filter(() => true)',
    inClaim,
  ),
  one(
    'that a repaired row is right is not on record',
    'HAZARDS 67',
    verifier,
    'if (this.#repairs.confirm(keys.filter((key) => !judged.has(key)))) await this.#parts.record(signal);',
    'this.#repairs.confirm(keys.filter((key) => !judged.has(key)));',
    inClaim,
  ),
  one(
    'a set that was full has room at once',
    'a deadlock with the stream',
    changeset,
    'if (this.size < this.#capacity * fullUntil) this.#filled = false;',
    'this.#filled = false;',
    'test/unit/changeset.test.ts',
  ),
];
