import { invariant } from '../base/errors.ts';
import { type CopiedPrefix, isNothing } from './checkpoint.ts';
import type { Chunk } from './chunk.ts';
import type { Key } from './key.ts';

/** What was compared of a prefix of the key space. */
export interface ComparedRows {
  readonly rows: number;
  readonly chunks: number;
  /** Chunks passed over because only a sample was asked for. */
  readonly chunksSkipped: number;
}

/** A chunk that was compared, or passed over (null), and those of its keys that differed. */
interface Ended {
  readonly chunk: Chunk;
  readonly rows: number | null;
  readonly differing: readonly Key[];
}

const nothing = { rows: 0, chunks: 0, chunksSkipped: 0 };

/**
 * How far one pass of the comparison has come without a gap: the chunks from its start that have ended and hold no suspect any
 * more of which only this run knows.
 *
 * States: good -> void (a row had to be repaired: what spoiled it may have spoiled others, so that nothing counts as compared
 * until another pass has begun, HAZARDS 67 and 68).
 */
export class VerifiedPrefix {
  readonly #ended = new Map<number, Ended>();
  #next = 0;
  #prefix: CopiedPrefix;
  #compared: ComparedRows;
  #void = false;

  /** @param from what an earlier run has compared in this pass. */
  constructor(from: { readonly prefix: CopiedPrefix; readonly compared: ComparedRows } | null = null) {
    this.#prefix = from?.prefix ?? { complete: false, low: null };
    this.#compared = from?.compared ?? nothing;
  }

  get prefix(): CopiedPrefix {
    return this.#prefix;
  }

  /** Nothing is compared that could be claimed. */
  get isEmpty(): boolean {
    return isNothing(this.#prefix);
  }

  /** What lies within the prefix. */
  get compared(): ComparedRows {
    return this.#compared;
  }

  /** A row had to be repaired. */
  makeVoid(): void {
    this.#void = true;
    this.#ended.clear();
    this.#prefix = { complete: false, low: null };
    this.#compared = nothing;
  }

  /** @param rows null where the chunk was passed over. */
  end(chunk: Chunk, rows: number | null, differing: readonly Key[]): void {
    if (this.#void) return;
    invariant(!this.#ended.has(chunk.number), `chunk ${chunk.number} was compared twice`);
    this.#ended.set(chunk.number, { chunk, rows, differing });
  }

  /** Takes in what has ended. @param isOpen whether a key may still be found to differ, and only this run knows. */
  advance(isOpen: (key: Key) => boolean): void {
    for (;;) {
      const next = this.#ended.get(this.#next);
      if (!next || next.differing.some(isOpen)) return;
      this.#ended.delete(this.#next);
      this.#next += 1;
      const { upTo } = next.chunk.range;
      const { rows, chunks, chunksSkipped } = this.#compared;
      const skipped = next.rows === null;
      this.#prefix = { complete: upTo === null, low: upTo };
      this.#compared = {
        rows: rows + (next.rows ?? 0),
        chunks: chunks + Number(!skipped),
        chunksSkipped: chunksSkipped + Number(skipped),
      };
    }
  }

  /** Keys that differed in chunks beyond the prefix: who goes on from it compares them anyhow. */
  get beyond(): ReadonlySet<Key> {
    const keys = new Set<Key>();
    for (const { differing } of this.#ended.values()) for (const key of differing) keys.add(key);
    return keys;
  }
}
