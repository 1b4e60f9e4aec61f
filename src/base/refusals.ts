import { Refusal } from './errors.ts';

/**
 * Collects refusals, so that an operator is told of everything that stands in the way at once, and does not find one behind the
 * other. The first that was found is the one that is thrown; it carries the rest in `also`.
 */
export class Refusals {
  readonly #found: Refusal[] = [];

  /** In the order in which they were found, each once. */
  get found(): readonly Refusal[] {
    return this.#found;
  }

  /**
   * @returns what `work` returns; undefined where it refused.
   * @throws what it throws that is no Refusal.
   */
  judge<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      return this.#take(error);
    }
  }

  /** The same for what takes time. */
  async judgeAsync<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      return this.#take(error);
    }
  }

  /** @throws Refusal, the first, where there are any. */
  throwIfAny(): void {
    const [first, ...also] = this.#found;
    if (first === undefined) return;
    if (also.length === 0) throw first;
    const { code, message, hint, reason, cause } = first;
    throw new Refusal(code, message, {
      ...(hint === undefined ? {} : { hint }),
      ...(reason === undefined ? {} : { reason }),
      ...{ cause, also },
    });
  }

  add(refusal: Refusal): void {
    for (const each of [refusal, ...refusal.also])
      if (!this.#found.some(({ message }) => message === each.message)) this.#found.push(each);
  }

  #take(error: unknown): undefined {
    if (!(error instanceof Refusal)) throw error;
    this.add(error);
    return undefined;
  }
}
