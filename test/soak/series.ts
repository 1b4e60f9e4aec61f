import { Histogram } from '../lab/histogram.ts';
import { type Flavor, type Lab, startLab } from '../lab/lab.ts';
import { type Features, readFeatures } from './command.ts';
import { type MigrationResult, soakMigration } from './migration.ts';
import { describePlan, makePlan, type SoakPlan } from './plan.ts';

/** Which migrations. */
export interface SeriesSpec {
  readonly migrations: number;
  /** Seed of the first; each further one has the next. */
  readonly seed: number;
  /** In turn, a lab of each for some migrations. */
  readonly flavors: readonly Flavor[];
}

/** The line that `--json` prints. */
export interface SeriesReport {
  readonly migrations: number;
  readonly completed: number;
  readonly resumed: number;
  readonly refused: number;
  readonly faults: number;
  readonly writes: number;
  readonly lost: number;
  readonly phantom: number;
  readonly differing: number;
  /** Of the migrations whose server was neither killed nor paused: those stops are not ours. */
  readonly writerStopMs: { readonly p99: number; readonly max: number };
}

type Say = (text: string) => void;

/** Migrations that share a lab. */
const PER_LAB = 5;
const OUTAGES = new Set(['server-kill', 'server-pause']);

/**
 * Runs a series.
 * @param tell gets the progress.
 * @param cry gets what went wrong, with the seed to replay it.
 * @returns the figures, and the plans that failed in words.
 */
export async function soak(
  spec: SeriesSpec,
  tell: Say,
  cry: Say,
): Promise<{ report: SeriesReport; failures: string[] }> {
  const features = readFeatures();
  const results: MigrationResult[] = [];
  const stops = new Histogram();
  const failures: string[] = [];
  const labs = new LabKeeper();
  try {
    for (let i = 0; i < spec.migrations; i++) {
      const flavor = spec.flavors[Math.floor(i / PER_LAB) % spec.flavors.length] ?? 'mysql';
      const plan = makePlan(spec.seed + i, flavor);
      const result = await one(plan, await labs.take(plan, i % PER_LAB === 0), features, tell, cry);
      results.push(result);
      const hasOutage = plan.faults.some(({ kind }) => OUTAGES.has(kind));
      if (!hasOutage && result.ledger !== null) stops.addAll(result.ledger.tally.writerMs);
      if (!isFailure(result)) continue;
      failures.push(describePlan(plan));
      // A lab in which something went wrong is not asked again.
      await labs.drop();
    }
  } finally {
    await labs.drop();
  }
  return { report: reportOf(results, stops), failures };
}

async function one(
  plan: SoakPlan,
  lab: Lab,
  features: Features,
  tell: Say,
  cry: Say,
): Promise<MigrationResult> {
  const said: string[] = [];
  const say = (text: string): void => {
    said.push(`    ${text}`);
    tell(`    ${text}`);
  };
  const { subject, seed, flavor } = plan;
  tell(`${flavor} ${lab.primary.version}, seed ${seed}: ${subject.rows} rows, ${subject.alter}`);
  const result = await soakMigration(plan, lab, features, say);
  tell(`  ${line(result)}`);
  if (!isFailure(result)) return result;
  cry(`${said.join('\n')}\n${line(result)}\n${describePlan(plan)}`);
  cry(`To replay: npm run soak -- --migrations 1 --seed ${seed} --server ${flavor}`);
  return result;
}

function isFailure({ lost, phantom, differing, problems }: MigrationResult): boolean {
  return lost + phantom + differing + problems.length > 0;
}

function line(result: MigrationResult): string {
  const { ledger, problems, ...figures } = result;
  const stops = ledger?.tally.writerMs.times();
  return `${problems.length === 0 ? '' : 'FAILED '}${JSON.stringify({ ...figures, stopMs: stops?.max })}`;
}

/** One lab at a time, for as long as it fits. */
class LabKeeper {
  #lab: Lab | undefined;

  async take({ flavor, needsReplica }: SoakPlan, fresh: boolean): Promise<Lab> {
    const lab = this.#lab;
    if (lab !== undefined && !fresh && lab.primary.flavor === flavor) {
      if (lab.replicas.length === Number(needsReplica)) return lab;
    }
    await this.drop();
    this.#lab = await startLab({
      flavor,
      replicas: Number(needsReplica),
      options: { log_bin_trust_function_creators: true },
    });
    return this.#lab;
  }

  async drop(): Promise<void> {
    await this.#lab?.stop();
    this.#lab = undefined;
  }
}

function reportOf(results: readonly MigrationResult[], stops: Histogram): SeriesReport {
  const sum = (of: (result: MigrationResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const { p99, max } = stops.times();
  return {
    migrations: results.length,
    completed: sum(({ completed }) => Number(completed)),
    resumed: sum(({ resumed }) => resumed),
    refused: sum(({ refused }) => refused),
    faults: sum(({ faults }) => faults),
    writes: sum(({ writes }) => writes),
    lost: sum(({ lost }) => lost),
    phantom: sum(({ phantom }) => phantom),
    differing: sum(({ differing }) => differing),
    writerStopMs: { p99, max },
  };
}
