const EMPTY = 0;

/**
 * The rows of a table by key, each as a fingerprint of 64 bits: some 40 bytes a row, so that a million of them
 * fits easily. Rows are numbered from 0 in the order of `add`.
 */
export class RowIndex {
  #slots = new Uint32Array(1 << 16);
  #high = new Uint32Array(1 << 15);
  #low = new Uint32Array(1 << 15);
  #ends = new Uint32Array(1 << 15);
  #keys = Buffer.allocUnsafe(1 << 20);
  #keyBytes = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Adds a row; its key must be new. */
  add(key: string, text: string): number {
    const row = this.#count;
    if (row * 2 >= this.#slots.length) this.#growSlots();
    if (row >= this.#high.length) {
      for (const name of ['high', 'low', 'ends'] as const) this.#growColumn(name);
    }
    const bytes = Buffer.byteLength(key);
    while (this.#keyBytes + bytes > this.#keys.length) {
      this.#keys = Buffer.concat([this.#keys], this.#keys.length * 2);
    }
    this.#keys.write(key, this.#keyBytes);
    this.#keyBytes += bytes;
    this.#ends[row] = this.#keyBytes;
    const [high, low] = fingerprint(text);
    this.#high[row] = high;
    this.#low[row] = low;
    this.#count++;
    this.#place(row, key);
    return row;
  }

  /** The number of the row with this key; -1 where there is none. */
  find(key: string): number {
    const mask = this.#slots.length - 1;
    for (let slot = slotHash(key) & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot] ?? EMPTY;
      if (found === EMPTY) return -1;
      if (this.keyOf(found - 1) === key) return found - 1;
    }
  }

  /** The key of a row. */
  keyOf(row: number): string {
    const start = row === 0 ? 0 : (this.#ends[row - 1] ?? 0);
    return this.#keys.toString('utf8', start, this.#ends[row]);
  }

  /** Whether the row still has this text. */
  matches(row: number, text: string): boolean {
    const [high, low] = fingerprint(text);
    return this.#high[row] === high && this.#low[row] === low;
  }

  #place(row: number, key: string): void {
    const mask = this.#slots.length - 1;
    let slot = slotHash(key) & mask;
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask;
    this.#slots[slot] = row + 1;
  }

  #growSlots(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let row = 0; row < this.#count; row++) this.#place(row, this.keyOf(row));
  }

  #growColumn(name: 'high' | 'low' | 'ends'): void {
    const grow = (old: Uint32Array): Uint32Array<ArrayBuffer> => {
      const grown = new Uint32Array(old.length * 2);
      grown.set(old);
      return grown;
    };
    if (name === 'high') this.#high = grow(this.#high);
    else if (name === 'low') this.#low = grow(this.#low);
    else this.#ends = grow(this.#ends);
  }
}

function slotHash(key: string): number {
  const hash = fingerprint(key)[1];
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Two hashes of 32 bits in one pass (in the manner of cyrb53). */
function fingerprint(text: string): [number, number] {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return [high >>> 0, low >>> 0];
}
