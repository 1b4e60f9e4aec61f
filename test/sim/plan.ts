import type { BuildLock } from '../../src/core/deferral.ts';
import type { CutOverStep } from '../../src/core/swap-port.ts';
import type { Random } from './random.ts';
import type { KeyKind } from './row.ts';
import type { Uniqueness } from './store.ts';
import type { TableName } from './table-locks.ts';

/** How likely each kind of step is, against the others. */
export interface Weights {
  readonly write: number;
  readonly show: number;
  readonly deliver: number;
  readonly reconnect: number;
  readonly gate: number;
  readonly ring: number;
  readonly goOn: number;
  /** Somebody begins, or ends, a transaction that holds a table. */
  readonly come: number;
  readonly go: number;
}

/** All that a run is made of. */
export interface Plan {
  readonly kind: KeyKind;
  readonly keys: number;
  readonly uniqueness: Uniqueness;
  readonly collide: boolean;
  /** Indexes are built after the copy, and what others may do meanwhile; null = they are there from the start. */
  readonly deferred: BuildLock | null;
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
  /** The process that ends the swap of a dead one dies as well. */
  readonly crashAgain: boolean;
  /** Rows that are spoiled behind our back before they are verified; null = nothing is verified. */
  readonly damage: number | null;
  /** Syncs that forget a row once the verification has begun. */
  readonly spoils: number;
  readonly verifyWorkers: number;
  /** Transactions that come when the copy is complete, and when the tables are swapped. */
  readonly more: readonly [number, number];
  /** The new table's keys are the same keys to us: its changes can be followed. */
  readonly followsNew: boolean;
  /** The names in the order in which a RENAME asks for them. */
  readonly names: readonly TableName[];
  /** The new table gets triggers. */
  readonly triggers: boolean;
  /** Writes that pass the lock of the cut-over, as if the server did not hold them. */
  readonly leaks: number;
  /** Sessions of a cut-over that die. */
  readonly strikes: number;
  /** The limit of an attempt to cut over, ms: time flies where the next timer is far away. */
  readonly lockTimeoutMs: number;
  /** The process dies at this step of a cut-over. */
  readonly dieAt: CutOverStep | null;
  /** After so many steps another server takes over, without the last transactions of the first. */
  readonly failoverAfter: number | null;
  readonly failoverLoses: number;
  /** After so many steps somebody alters the original. */
  readonly alterAfter: number | null;
  /** A migration that ends well is reverted; the process dies after so many steps of that; null = it lives. */
  readonly revert: { readonly crashAfter: number | null } | null;
  readonly weights: Weights;
}

/** Mostly the sentry sorts behind the original. */
const orders: readonly (readonly TableName[])[] = [
  ['ghost', 'original', 'sentry'],
  ['original', 'ghost', 'sentry'],
  ['sentry', 'ghost', 'original'],
];

const deadly: readonly CutOverStep[] = [
  'sentry',
  'locking',
  'locked',
  'drained',
  'queued',
  'dropped',
  'poised',
  'unlocked',
  'stepping-back',
  'asking',
];

/** A plan drawn by lot. Whole features are often off, so that others meet more often (swarm testing). */
export function drawPlan(random: Random): Plan {
  const kind = random.pick<KeyKind>(['integer', 'integer', 'composite', 'collated']);
  const heartbeatMs = random.pick([5, 100, 600]);
  const uniqueness = random.pick<Uniqueness>(['none', 'enforced', 'enforced', 'added']);
  return {
    kind,
    keys: 3 + random.int(9),
    uniqueness,
    deferred: random.chance(0.3) ? random.pick<BuildLock>(['NONE', 'SHARED']) : null,
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
    heartbeatMs,
    hurriesMs: random.chance(0.3) ? [random.int(200), random.int(200)] : [],
    crashAfter: random.chance(0.25) ? random.int(random.pick([100, 300, 900])) : null,
    crashAgain: random.chance(0.3),
    damage: random.chance(0.4) ? random.int(3) : null,
    spoils: random.chance(0.3) ? 1 + random.int(2) : 0,
    verifyWorkers: 1 + random.int(2),
    more: [random.pick([0, 5, 15]), random.pick([0, 5])],
    followsNew: random.chance(0.8),
    names: random.pick(orders),
    triggers: random.chance(0.1),
    leaks: random.chance(0.2) ? 1 + random.int(3) : 0,
    strikes: random.chance(0.2) ? 1 + random.int(2) : 0,
    lockTimeoutMs: random.pick([6000, 30_000]),
    dieAt: random.chance(0.1) ? random.pick(deadly) : null,
    failoverAfter: random.chance(0.05) ? random.int(800) : null,
    failoverLoses: random.int(4),
    alterAfter: random.chance(0.03) ? random.int(800) : null,
    revert: random.chance(0.15)
      ? { crashAfter: random.chance(0.4) ? random.int(random.pick([50, 400])) : null }
      : null,
    weights: {
      write: random.pick([0.2, 1, 3]),
      show: random.pick([0.1, 1, 3]),
      deliver: random.pick([0.2, 1, 3]),
      reconnect: random.pick([0, 0.02]),
      gate: random.pick([0, 0.05, 0.2]),
      ring: random.pick([0.05, 0.3]),
      goOn: random.pick([0.5, 1, 2]),
      come: random.pick([0, 0, 0.03, 0.2]),
      go: random.pick([0.03, 0.2]),
    },
  };
}

/** As many sessions apply as the plan says, whatever they meet: more meet more. */
export function steadySessions({ sessions }: Plan) {
  return { level: sessions, done: () => undefined, contended: () => undefined };
}
