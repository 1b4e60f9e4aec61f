/** Picks a share of what it is asked about, evenly. */
export class Sampler {
  readonly #percent: number;
  #due: number;

  /** @param first true where the first one is always picked. */
  constructor(percent: number, first: boolean) {
    this.#percent = percent;
    this.#due = first ? 100 - percent : 0;
  }

  /** Whether this one is picked. */
  next(): boolean {
    this.#due += this.#percent;
    if (this.#due < 100) return false;
    this.#due -= 100;
    return true;
  }
}
