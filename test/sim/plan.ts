import type { Random } from './random.ts';
import type { KeyKind } from './row.ts';
import type { Uniqueness } from './store.ts';

/** How likely each kind of step is, against the others. */
export interface Weights {
  readonly write: number;
  readonly show: number;
  readonly deliver: number;
  readonly reconnect: number;
  readonly gate: number;
  readonly ring: number;
  readonly goOn: number;
}

/** All that a run is made of. */
export interface Plan {
  readonly kind: KeyKind;
  readonly keys: number;
  readonly uniqueness: Uniqueness;
  readonly collide: boolean;
  readonly xa: boolean;
  readonly transactions: number;
  readonly workers: number;
  readonly sessions: number;
  readonly batchKeys: number;
  readonly chunkRows: number | null;
  readonly capacity: number;
  readonly failure: number;
  readonly dawdle: number;
  readonly heartbeatMs: number;
  readonly hurriesMs: readonly number[];
  /** The process dies after this many steps and starts again from a checkpoint; null = it lives. */
  readonly crashAfter: number | null;
  readonly weights: Weights;
}

/** A plan drawn by lot. Whole features are often off, so that others meet more often (swarm testing). */
export function drawPlan(random: Random): Plan {
  const kind = random.pick<KeyKind>(['integer', 'integer', 'composite', 'collated']);
  const uniqueness = random.pick<Uniqueness>(['none', 'enforced', 'enforced', 'added']);
  return {
    kind,
    keys: 3 + random.int(9),
    uniqueness,
    collide: uniqueness === 'added' && random.chance(0.3),
    xa: random.chance(0.3),
    transactions: 3 + random.int(40),
    workers: 1 + random.int(3),
    sessions: kind === 'collated' ? 1 : 1 + random.int(3),
    batchKeys: 1 + random.int(4),
    chunkRows: random.chance(0.7) ? 1 + random.int(3) : null,
    // Where nothing may be displaced, rows that swap their values must fit into the set together.
    capacity: uniqueness !== 'added' && random.chance(0.25) ? 2 + random.int(5) : 1000,
    failure: random.pick([0, 0, 0.02, 0.1]),
    dawdle: random.pick([0, 3, 40]),
    heartbeatMs: random.pick([5, 100, 600]),
    hurriesMs: random.chance(0.3) ? [random.int(200), random.int(200)] : [],
    crashAfter: random.chance(0.25) ? random.int(250) : null,
    weights: {
      write: random.pick([0.2, 1, 3]),
      show: random.pick([0.1, 1, 3]),
      deliver: random.pick([0.2, 1, 3]),
      reconnect: random.pick([0, 0.02]),
      gate: random.pick([0, 0.05, 0.2]),
      ring: random.pick([0.05, 0.3]),
      goOn: random.pick([0.5, 1, 2]),
    },
  };
}
