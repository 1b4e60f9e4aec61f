import { type Mutant, one } from './mutant.ts';

const changeset = 'src/core/changeset.ts';
const watermark = 'src/core/watermark.ts';
const heartbeat = 'src/stages/heartbeat.ts';
const copier = 'src/stages/copier.ts';

/** Visibility and marks. */
export const marks: readonly Mutant[] = [
  one('no mark before a chunk', 'I2, I3', copier, 'await visibility.cover(changes.lastDrop);', ''),
  one(
    'the start counts as visible',
    'I1, I2',
    heartbeat,
    '#visible: Frontier = nothing;',
    '#visible: Frontier = { receipt: 0, position: null };',
    'sim @35',
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
        from: 'const frontier = this.#frontier();',
        to: 'let frontier = nothing;',
      },
      {
        file: heartbeat,
        from: 'await this.#port.writeMark(sequence, this.#clock.wallMs());',
        to: 'await this.#port.writeMark(sequence, this.#clock.wallMs()); frontier = this.#frontier();',
      },
    ],
  },
  one(
    'a mark that came back counts before it is committed',
    'I2',
    heartbeat,
    'if (row.sequence <= this.#committed) this.#show(this.#precedes);',
    'this.#show(this.#precedes);',
  ),
  one(
    'a mark that came back covers what came after it',
    'I2',
    heartbeat,
    'if (this.#passed === sequence) this.#show(this.#precedes);',
    'if (this.#passed === sequence) this.#show(this.#frontier());',
  ),
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
        from: '=> this.#copy(chunk, signal);',
        to: '=> this.#copy(chunk, signal, dropped);',
      },
      {
        file: copier,
        from: 'async #copy(chunk: Chunk, signal: AbortSignal)',
        to: 'async #copy(chunk: Chunk, signal: AbortSignal, dropped: number)',
      },
      { file: copier, from: 'visibility.cover(changes.lastDrop)', to: 'visibility.cover(dropped)' },
    ],
  },
  one('a drop is not remembered', 'I2, I3', changeset, 'this.#lastDrop = this.#receipt;', '', 'sim @86'),
  {
    name: 'marks of an earlier run count',
    breaks: 'I6 after a resume',
    caughtBy: 'sim @450',
    edits: [
      { file: heartbeat, from: 'this.#sequence = lastSequence;', to: 'this.#sequence = 0;' },
      { file: heartbeat, from: 'this.#passed = lastSequence;', to: 'this.#passed = 0;' },
    ],
  },
  one(
    'the next run counts its marks from the beginning',
    'I6 after a resume, and in a revert',
    'src/core/checkpoint.ts',
    'return Math.max(...known) + marksApart;',
    'return Math.min(...known, 1);',
    `sim ${JSON.stringify({ crashAfter: 200, dieAt: null, failoverAfter: null, alterAfter: null })}`,
  ),
  one(
    'a mark is passed when it is committed',
    'I6',
    heartbeat,
    'await this.changed.until(() => this.#passed >= mark.sequence, limit.signal);',
    '',
  ),
];

/** Where keys lie, and what is held. */
export const places: readonly Mutant[] = [
  one(
    'no hold of keys in flight',
    'I3',
    watermark,
    'for (const chunk of this.#flights.values()) if (isWithin(this.#order, chunk.range, key)) return chunk;',
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
    'sim @162',
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
