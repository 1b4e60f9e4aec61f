// What the tests of topologies share: a primary with a replica, and a replica of that replica.
import type { Connection } from 'mysql2/promise';
import { prepare, type Run, type RunOptions, startRun } from '../fault/fault-lab.ts';
import {
  type Lab,
  type LabServer,
  type LabSpec,
  type ReplicaSpec,
  runSql,
  startLab,
  waitForReplica,
} from '../lab/lab.ts';
import { attachReplica } from '../lab/replication.ts';

/** Three servers in a row: the leaf replicates from the middle one, and that from the primary. */
export class Chain {
  readonly #labs: readonly Lab[];
  readonly primary: LabServer;
  readonly middle: LabServer;
  readonly leaf: LabServer;
  readonly #open: Connection[] = [];

  private constructor(labs: readonly [Lab, Lab]) {
    this.#labs = labs;
    this.primary = labs[0].primary;
    this.middle = labs[0].replicas[0]!;
    this.leaf = labs[1].primary;
  }

  static async start(spec: LabSpec, middle: ReplicaSpec = {}): Promise<Chain> {
    const plain: LabSpec = { fast: true, ...spec };
    const labs = await Promise.all([
      startLab({ ...plain, replicas: [{ fast: true, ...middle }] }),
      startLab({ ...plain, options: { ...spec.options, read_only: true } }),
    ]);
    const chain = new Chain(labs);
    await attachReplica(
      chain.middle,
      chain.leaf,
      middle.autoPosition === undefined ? {} : { autoPosition: middle.autoPosition },
    );
    return chain;
  }

  /** A connection that ends with the servers. */
  async connect(server: LabServer): Promise<Connection> {
    const connection = await server.connect();
    this.#open.push(connection);
    return connection;
  }

  /** The table on all servers. */
  async prepare(rows = 300): Promise<void> {
    const sql = await this.primary.connect();
    await prepare(sql, rows);
    await sql.end();
    await this.inStep();
  }

  /** Waits until what the primary has is everywhere. */
  async inStep(): Promise<void> {
    await waitForReplica(this.primary, this.middle, 60_000);
    await waitForReplica(this.middle, this.leaf, 60_000);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#open.map((connection) => connection.end().catch(() => undefined)));
    await Promise.all(this.#labs.map((lab) => lab.stop()));
  }
}

/** A run as the operator's command would be without `--allow-on-master`. */
export function runOn(server: LabServer, extra: readonly string[] = [], options: RunOptions = {}): Run {
  return startRun(server, { ...options, extra: ['--allow-on-master=false', ...extra] });
}

/** What the run failed with, as `code: message` and its hint. */
export async function failureOf(run: Run): Promise<{ code: string; message: string; hint: string }> {
  const error = (await run.ended) as (Error & { code?: string; hint?: string }) | undefined;
  if (error === undefined) throw new Error(`the run was to fail:\n${run.lines.join('\n')}`);
  return { code: error.code ?? '', message: error.message, hint: error.hint ?? '' };
}

/** Runs statements, one after the other. */
export async function all(sql: Connection, ...statements: readonly string[]): Promise<void> {
  for (const statement of statements) await runSql(sql, statement);
}
