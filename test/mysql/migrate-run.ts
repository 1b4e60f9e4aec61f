// What the tests of whole migrations share: the real migrator in process, with the options of the real command.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { Connection } from 'mysql2/promise';
import { systemClock } from '../../src/base/clock.ts';
import { isAtLeast, type Phase } from '../../src/core/phase.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { Migrator } from '../../src/migrator.ts';
import { liveSettings } from '../../src/ops/live-settings.ts';
import { migrationConfig } from '../../src/ops/migration-config.ts';
import { parseOptions } from '../../src/ops/parse-options.ts';
import { type LabServer, runSql } from '../lab/lab.ts';

const pollMs = 10;
const phaseTimeoutMs = 45_000;

/** A migration to be run. */
export interface RunSpec {
  readonly schema: string;
  readonly table: string;
  readonly alter: string;
  /** Put the cut-over off until `unpostpone`. */
  readonly postpone?: boolean;
  /** More options, as on the command line. */
  readonly options?: readonly string[];
}

/** One run of the real migrator. */
export class Run {
  readonly migrator: Migrator;
  /** Lines of log and plan. */
  readonly lines: string[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<unknown>;
  #over = false;

  constructor(server: LabServer, spec: RunSpec) {
    const { host, port, user, password } = server;
    const place = ['--host', host, '--port', String(port), '--user', user];
    const what = ['--database', spec.schema, '--table', spec.table, '--alter', spec.alter];
    // Any file that exists puts the cut-over off.
    const later = spec.postpone ? ['--postpone-cut-over-flag-file', fileURLToPath(import.meta.url)] : [];
    // These tests are about what is copied; how many workers do it beside hasty writers is tested elsewhere.
    const how = ['--allow-on-master', '--execute', '--concurrency', '2'];
    const argv = [...place, ...what, ...later, ...how, ...(spec.options ?? [])];
    const options = parseOptions(argv, {});
    const target = { schema: spec.schema, name: spec.table };
    const wallMs = systemClock.wallMs();
    const config = migrationConfig(options, { password, target, socketFile: '', wallMs });
    const say = (facts: object, message: string): void => {
      this.lines.push(`${message} ${JSON.stringify(facts)}`);
    };
    const log = { debug: say, info: say, warn: say };
    const print = (line: string): void => void this.lines.push(line);
    const settings = liveSettings(options);
    this.migrator = new Migrator({ config, settings, clock: systemClock, log, print });
    this.#ended = this.migrator.run(this.#stop.signal).then(
      () => null,
      (error: unknown) => error,
    );
    void this.#ended.then(() => {
      this.#over = true;
    });
  }

  get snapshot(): Snapshot {
    return this.migrator.snapshot();
  }

  /** Waits until the run is in the phase or past it. @throws what the run failed with. */
  async reach(phase: Phase): Promise<Snapshot> {
    return await this.until(`phase ${phase}`, (now) => isAtLeast(now.phase, phase));
  }

  /** Waits until everything is copied and the cut-over is being put off. */
  async postponed(): Promise<Snapshot> {
    return await this.until('postponement', (now) => now.phase === 'waiting' && now.postponing);
  }

  async until(what: string, holds: (now: Snapshot) => boolean): Promise<Snapshot> {
    const limit = performance.now() + phaseTimeoutMs;
    for (;;) {
      const now = this.snapshot;
      if (this.#over) {
        const error = await this.#ended;
        if (error !== null) throw error;
      }
      if (now.phase !== 'failed' && holds(now)) return now;
      if (this.#over || performance.now() > limit)
        throw new Error(`no ${what}, but ${JSON.stringify(now)}:\n${this.lines.join('\n')}`);
      await systemClock.sleep(pollMs);
    }
  }

  /**
   * Lets the cut-over go on and waits for the end.
   * @param repaired rows that the verifier has to repair: those that the test damaged.
   * @throws what the run failed with.
   */
  async finish(repaired = 0): Promise<Snapshot> {
    const error = await this.#end();
    if (error !== null) throw error;
    const now = this.snapshot;
    // The verifier mends what went wrong before it: that it had to is the defect.
    const repairs = `repairs of the verifier:\n${this.lines.join('\n')}`;
    assert.equal(now.differencesRepaired, repaired, repairs);
    return now;
  }

  /** What the run failed with. @throws where it did not fail. */
  async failure(): Promise<Error & { readonly hint?: string; readonly code?: string }> {
    const error = await this.#end();
    assert.ok(error instanceof Error, 'the migration was to fail, and succeeded');
    return error;
  }

  async #end(): Promise<unknown> {
    // It says no as long as nothing is being postponed.
    const isOver = (): boolean => !this.migrator.unpostpone() && this.#over;
    await this.until('end', isOver).catch(() => undefined);
    if (!this.#over)
      throw new Error(`no end, but ${JSON.stringify(this.snapshot)}:\n${this.lines.join('\n')}`);
    return await this.#ended;
  }

  /** Ends it, whatever it is at: for the end of a test. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the test is over'));
    await this.#ended;
  }
}

/** Runs a migration from start to end. @throws what it failed with. */
export async function migrate(server: LabServer, spec: RunSpec): Promise<Run> {
  const run = new Run(server, spec);
  await run.finish();
  return run;
}

/** Names of the tables of a schema, in order. */
export async function tablesOf(connection: Connection, schema: string): Promise<string[]> {
  const rows = await runSql(
    connection,
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ?',
    [schema],
  );
  return rows.map(({ name }) => String(name)).sort();
}

/** A connection with the modes under which everything that a column can hold can be written. */
export async function connectLax(server: LabServer): Promise<Connection> {
  const connection = await server.connect({ dateStrings: true, supportBigNumbers: true });
  await runSql(connection, "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'");
  await runSql(connection, "SET time_zone = '+00:00'");
  await runSql(connection, 'SET NAMES utf8mb4');
  await runSql(connection, 'SET innodb_lock_wait_timeout = 5');
  return connection;
}
