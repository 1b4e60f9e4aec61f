import type { Random } from './random.ts';

/** Something that can happen: how likely it is now, against the others, and what it does. */
export type Chance = readonly [weight: () => number, act: () => void];

/** Does one of the things that can happen, drawn by lot. */
export class Lottery {
  readonly #chances: readonly Chance[];
  readonly #random: Random;
  /** The weights of one turn. */
  readonly #weights: number[] = [];

  constructor(chances: readonly Chance[], random: Random) {
    this.#chances = chances;
    this.#random = random;
  }

  draw(): void {
    const [chances, weights] = [this.#chances, this.#weights];
    let at = 0;
    for (let i = 0; i < chances.length; i += 1) {
      weights[i] = chances[i]![0]();
      at += weights[i]!;
    }
    at *= this.#random.next();
    for (let i = 0; i < chances.length; i += 1) {
      at -= weights[i]!;
      if (weights[i] === 0 || at >= 0) continue;
      chances[i]![1]();
      return;
    }
  }
}
