import type { Connection } from 'mysql2/promise';
import { FIXTURES } from '../../fixtures/fixtures.ts';
import type { Flavor } from '../lab/lab.ts';
import type { LoadMix } from '../lab/ledger-plan.ts';
import type { LedgerTable } from '../lab/ledger-table.ts';
import { Random } from '../lab/random.ts';
import { makeRandomAlter } from './alter.ts';
import { type Fault, makeFaults } from './faults.ts';
import { createRandomTable, createSql, ledgerTableOf, makeRandomTable } from './table.ts';

export const DATABASE = 'soak';

/** A table, its rows, and the change that is made to it. */
export interface Subject {
  readonly table: string;
  readonly rows: number;
  readonly alter: string;
  readonly renames: boolean;
  /** The statement that made it, where it is a random one. */
  readonly definition: string;
  /** Statements that must count no rows after the change; `{t}` is the table. */
  readonly checks: readonly string[];
  readonly ledgerTable: LedgerTable;
  /** Creates and fills it; the database is there and empty. */
  create(connection: Connection): Promise<void>;
}

/** One migration of a soak: all that follows from its seed. */
export interface SoakPlan {
  readonly seed: number;
  readonly flavor: Flavor;
  readonly subject: Subject;
  readonly load: { readonly writers: number; readonly pauseMs: number; readonly mix: Partial<LoadMix> };
  /** Options of the command, besides where and what. */
  readonly options: readonly string[];
  /** The cut-over is put off until so long after the start, ms; null: it is not put off. */
  readonly releaseMs: number | null;
  /** Delay of the network in each direction, ms. */
  readonly latencyMs: number;
  readonly faults: readonly Fault[];
  readonly needsReplica: boolean;
}

/** Decides on a migration. The same seed and flavor give the same one. */
export function makePlan(seed: number, flavor: Flavor): SoakPlan {
  const random = new Random(seed * 2_654_435_761);
  const subject = makeSubject(seed, flavor, random);
  const writers = 1 + random.below(8);
  // Together they stay below what two processors can do beside the migration.
  const load = { writers, pauseMs: Math.max(writers, random.pick([1, 4, 10, 30])), mix: makeMix(random) };
  const releaseMs = random.next() < 0.7 ? 2500 + random.below(4500) : null;
  const faults = makeFaults(random, releaseMs !== null);
  const latencyMs = random.pick([0, 0, 0, 1, 4]);
  const options = makeOptions(random, subject.rows);
  const needsReplica = faults.some(({ kind }) => kind === 'replica-lag');
  return { ...{ seed, flavor, subject, load, options, releaseMs, latencyMs, faults, needsReplica } };
}

/** The plan in words, for whoever has to find out what went wrong. */
export function describePlan({ subject, ...plan }: SoakPlan): string {
  const { table, rows, alter, definition } = subject;
  return JSON.stringify({ ...plan, table, rows, alter, definition }, undefined, 1);
}

function makeSubject(seed: number, flavor: Flavor, random: Random): Subject {
  const mark = `soak ${seed}`;
  const rows = 2000 + Math.floor(random.next() ** 2 * 18_000);
  const draw = random.next();
  if (draw < 0.25) return fixtureSubject(draw < 0.15 ? 'osu-scores' : 'messages', rows, seed, mark, random);
  const table = makeRandomTable({ flavor, name: random.pick(['items', 'order', 'Größe']), rows }, random);
  const alter = makeRandomAlter(table, mark, random);
  return {
    ...{ table: table.name, rows, alter: alter.sql, renames: alter.renames, checks: alter.checks },
    definition: createSql(table, DATABASE),
    ledgerTable: ledgerTableOf(table, DATABASE, alter.expect),
    create: (connection) => createRandomTable(connection, table, DATABASE, new Random(seed)),
  };
}

function fixtureSubject(name: string, rows: number, seed: number, mark: string, random: Random): Subject {
  const fixture = FIXTURES.get(name);
  if (fixture === undefined) throw new Error(`no fixture ${name}`);
  const others = ['ADD COLUMN note VARCHAR(20) NULL', 'ENGINE = InnoDB', 'ROW_FORMAT = COMPACT'];
  const own = random.next() < 0.6;
  const whole = fixture.ledgerTable(DATABASE, rows);
  const { expect: _, ...unchanged } = whole;
  return {
    ...{ table: fixture.table, rows, renames: false, definition: '', checks: [] },
    alter: `${own ? fixture.alter : random.pick(others)}, COMMENT = '${mark}'`,
    ledgerTable: own ? whole : unchanged,
    create: (connection) => fixture.create(connection, DATABASE, rows, seed),
  };
}

function makeMix(random: Random): Partial<LoadMix> {
  const draw = random.next();
  if (draw < 0.2) return { swap: 50, move: 10 };
  if (draw < 0.4) return { move: 30, delete: 20, insert: 30 };
  if (draw < 0.5) return { increment: 80 };
  return draw < 0.6 ? { transaction: 60, rollback: 15 } : {};
}

function makeOptions(random: Random, rows: number): string[] {
  const options: string[] = [];
  const chunk = random.pick([10, 50, 200, 1000, null]);
  // Not more than some hundred chunks: the rest is for the faults.
  if (chunk !== null) options.push('--chunk-size', String(Math.max(chunk, Math.ceil(rows / 300))));
  options.push('--concurrency', String(1 + random.below(4)));
  if (random.next() < 0.5) options.push('--dml-batch-size', String(random.pick([20, 100, 500])));
  options.push('--cut-over-lock-timeout-seconds', String(1 + random.below(5)));
  options.push('--heartbeat-interval-millis', String(random.pick([100, 100, 250, 500])));
  if (random.next() < 0.2) options.push('--ok-to-drop-table');
  if (random.next() < 0.5) options.push('--defer-indexes', 'always');
  return options;
}
