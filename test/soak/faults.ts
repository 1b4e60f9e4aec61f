import type { Random } from '../lab/random.ts';

/** When a fault happens: so long after the first start, after the release of the cut-over, or at a line of the log. */
export type Trigger =
  | { readonly after: 'start' | 'release'; readonly ms: number }
  | { readonly after: 'line'; readonly pattern: string; readonly ms: number };

/** What goes wrong. Times in milliseconds. */
export type FaultAction =
  | { readonly kind: 'sigkill' | 'sigterm'; readonly pauseMs: number }
  | { readonly kind: 'stop-process'; readonly ms: number }
  | { readonly kind: 'kill-connections'; readonly share: number; readonly repeats: number }
  | { readonly kind: 'kill-dump' }
  | { readonly kind: 'freeze'; readonly ms: number; readonly way: 'both' | 'toServer' | 'toClient' }
  | { readonly kind: 'reset'; readonly bytes: number }
  | { readonly kind: 'refuse'; readonly ms: number }
  | { readonly kind: 'latency'; readonly ms: number; readonly latencyMs: number }
  | { readonly kind: 'server-kill'; readonly downMs: number }
  | { readonly kind: 'server-pause'; readonly ms: number }
  | { readonly kind: 'long-transaction'; readonly ms: number; readonly where: 'original' | 'elsewhere' }
  | { readonly kind: 'prepared-xa'; readonly ms: number }
  | { readonly kind: 'replica-lag'; readonly ms: number }
  | { readonly kind: 'throttle'; readonly ms: number }
  | { readonly kind: 'rotate'; readonly purge: boolean }
  | { readonly kind: 'panic' }
  | { readonly kind: 'foreign-ddl' };

/** One entry of a schedule. */
export type Fault = FaultAction & { readonly trigger: Trigger };

type Kind = FaultAction['kind'];

/** How often each comes. What ends the migration for good (foreign-ddl, panic) is rare: it hides what comes after. */
const WEIGHTS: Readonly<Record<Kind, number>> = {
  sigkill: 14,
  sigterm: 6,
  'stop-process': 7,
  'kill-connections': 12,
  'kill-dump': 5,
  freeze: 9,
  reset: 7,
  refuse: 4,
  latency: 4,
  'server-kill': 8,
  'server-pause': 5,
  'long-transaction': 9,
  'prepared-xa': 3,
  'replica-lag': 4,
  throttle: 5,
  rotate: 3,
  panic: 1,
  'foreign-ddl': 2,
};

const FAULTS_MAX = 5;

/** Steps of the cut-over, as the log names them. */
const STEPS = [
  'cut-over: creating the sentry',
  'cut-over: locking',
  'cut-over: locked',
  'cut-over: drained',
  'cut-over: the RENAME waits; dropping the sentry',
  'cut-over: the sentry is dropped',
  'cut-over: unlocked',
  'tables swapped',
] as const;

/**
 * Decides on a schedule.
 * @param postponed whether the cut-over waits for a release; if not, nothing is timed by it.
 */
export function makeFaults(random: Random, postponed: boolean): Fault[] {
  const wheel = Object.entries(WEIGHTS).flatMap(([kind, weight]) => Array<Kind>(weight).fill(kind as Kind));
  const count = random.below(FAULTS_MAX + 1);
  return Array.from({ length: count }, () => ({
    ...makeAction(random.pick(wheel), random),
    trigger: makeTrigger(random, postponed),
  }));
}

function makeTrigger(random: Random, postponed: boolean): Trigger {
  const draw = random.next();
  if (draw < 0.3) return { after: 'line', pattern: random.pick(STEPS), ms: random.pick([0, 0, 2, 20, 200]) };
  if (draw < 0.45) return { after: 'line', pattern: 'phase copying', ms: random.below(600) };
  if (draw < 0.65 && postponed) return { after: 'release', ms: random.below(900) };
  return { after: 'start', ms: 300 + random.below(5000) };
}

function makeAction(kind: Kind, random: Random): FaultAction {
  const between = (low: number, high: number): number => low + random.below(high - low);
  switch (kind) {
    case 'sigkill':
    case 'sigterm':
      return { kind, pauseMs: random.pick([0, 300, 2000]) };
    case 'stop-process':
      return { kind, ms: between(500, 7000) };
    case 'kill-connections':
      return { kind, share: random.pick([0.2, 0.5, 1]), repeats: random.pick([1, 1, 3, 6]) };
    case 'freeze':
      return { kind, ms: between(300, 7000), way: random.pick(['both', 'toServer', 'toClient']) };
    case 'reset':
      return { kind, bytes: random.pick([0, 0, 50, 2000]) };
    case 'refuse':
      return { kind, ms: between(200, 3000) };
    case 'latency':
      return { kind, ms: between(500, 4000), latencyMs: between(5, 60) };
    case 'server-kill':
      return { kind, downMs: random.pick([0, 500, 2500]) };
    case 'server-pause':
      return { kind, ms: between(300, 5000) };
    case 'long-transaction':
      return { kind, ms: between(1000, 9000), where: random.pick(['original', 'original', 'elsewhere']) };
    case 'prepared-xa':
    case 'replica-lag':
    case 'throttle':
      return { kind, ms: between(500, 4000) };
    case 'rotate':
      return { kind, purge: random.next() < 0.5 };
    case 'kill-dump':
    case 'panic':
    case 'foreign-ddl':
      return { kind };
  }
}
