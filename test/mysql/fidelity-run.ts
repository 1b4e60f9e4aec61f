// Runs one case of the fidelity matrix: the real migrator on one table, the server's own ALTER on a twin of
// it.
//
// Both tables get the same statements, on sessions whose modes let everything in. The twin's ALTER runs in
// the mode of our own sessions (DATA_SQL_MODE: strict; zero and invalid dates that are there survive) and in
// the server's global time zone.
import assert from 'node:assert/strict';
import type { Connection } from 'mysql2/promise';
import { DATA_SQL_MODE } from '../../src/mysql/profile.ts';
import { type LabServer, quoteName, runSql } from '../lab/lab.ts';
import type { Expectation, FidelityCase } from './fidelity-case.ts';
import { assertSame, type Picture, pictureOf } from './fidelity-compare.ts';
import { Run, tablesOf } from './migrate-run.ts';

const laxMode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION';

/** A case at work: its schemas, and the connections that speak to them. */
class Bench {
  readonly server: LabServer;
  readonly spec: FidelityCase;
  readonly table: string;
  readonly schema: string;
  readonly twinSchema: string;
  readonly live: Connection;
  readonly twin: Connection;

  private constructor(
    server: LabServer,
    spec: FidelityCase,
    schema: string,
    live: Connection,
    twin: Connection,
  ) {
    this.server = server;
    this.spec = spec;
    this.table = spec.table ?? 't';
    this.schema = schema;
    this.twinSchema = `${schema}_twin`;
    this.live = live;
    this.twin = twin;
  }

  static async open(server: LabServer, spec: FidelityCase, schema: string): Promise<Bench> {
    const connections: Connection[] = [];
    for (const name of [schema, `${schema}_twin`]) {
      const connection = await server.connect({ dateStrings: true, supportBigNumbers: true });
      connections.push(connection);
      await runSql(connection, `CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
      await runSql(connection, `USE ${name}`);
      await runSql(connection, `SET sql_mode = '${laxMode}', time_zone = '+00:00'`);
      await runSql(connection, 'SET NAMES utf8mb4');
      if (server.flavor === 'mysql') await runSql(connection, 'SET information_schema_stats_expiry = 0');
    }
    return new Bench(server, spec, schema, connections[0]!, connections[1]!);
  }

  async both(statements: readonly string[]): Promise<void> {
    for (const connection of [this.live, this.twin])
      for (const statement of statements) await runSql(connection, statement);
  }

  /** What the server says to the ALTER of the twin; null when it did it. */
  async alterTwin(): Promise<Error | null> {
    const name = quoteName(this.table);
    await runSql(this.twin, `SET sql_mode = '${this.spec.sqlMode ?? DATA_SQL_MODE}'`);
    await runSql(this.twin, 'SET time_zone = DEFAULT');
    try {
      await runSql(this.twin, `ALTER TABLE ${name} ${this.spec.alter}`);
      return null;
    } catch (error) {
      return error as Error;
    } finally {
      await runSql(this.twin, `SET sql_mode = '${laxMode}', time_zone = '+00:00'`);
    }
  }

  picture(of: 'live' | 'twin', without: readonly string[] = []): Promise<Picture> {
    const schema = of === 'live' ? this.schema : this.twinSchema;
    return pictureOf(this[of], schema, this.table, without);
  }

  async close(): Promise<void> {
    for (const [connection, name] of [
      [this.live, this.schema],
      [this.twin, this.twinSchema],
    ] as const) {
      await runSql(connection, `DROP DATABASE IF EXISTS ${name}`).catch(() => undefined);
      connection.destroy();
    }
  }
}

/** Runs a case and judges it. @param schema a name that no other case has. */
export async function runCase(server: LabServer, spec: FidelityCase, schema: string): Promise<void> {
  const bench = await Bench.open(server, spec, schema);
  try {
    await bench.both([spec.create, ...spec.data]);
    const live = await liveStatements(bench);
    const expect = spec.expect ?? ({ kind: 'equal' } as const);
    if (expect.kind === 'equal') await runEqual(bench, live, expect);
    else await runFailing(bench, live, expect);
  } finally {
    await bench.close();
  }
}

interface Live {
  readonly copying: readonly string[];
  readonly postponed: readonly string[];
}

function start(bench: Bench): Run {
  const { spec, schema, table, server } = bench;
  const options = ['--chunk-size', '10', '--approve-renamed-columns', ...(spec.options ?? [])];
  return new Run(server, { schema, table, alter: spec.alter, postpone: true, options });
}

async function runEqual(
  bench: Bench,
  live: Live,
  { except }: Extract<Expectation, { kind: 'equal' }>,
): Promise<void> {
  const run = start(bench);
  try {
    await run.reach('copying');
    await bench.both(live.copying);
    await run.postponed();
    await bench.both(live.postponed);
    await run.finish();
  } finally {
    await run.stop();
  }
  const refused = await bench.alterTwin();
  assert.equal(refused, null, `the server itself does not do this ALTER: ${refused?.message}`);
  const without = except?.columns ?? [];
  assertSame(await bench.picture('live', without), await bench.picture('twin', without), except);
}

async function runFailing(
  bench: Bench,
  live: Live,
  { says, stricter }: Extract<Expectation, { kind: 'fails' }>,
): Promise<void> {
  const run = start(bench);
  let error: Error;
  try {
    // The run may fail at any of these steps; the statements come to both tables all the same.
    await run.reach('copying').catch(() => undefined);
    await bench.both(live.copying);
    await run.postponed().catch(() => undefined);
    await bench.both(live.postponed);
    error = await run.failure();
  } finally {
    await run.stop();
  }
  for (const text of says)
    assert.ok(
      typeof text === 'string' ? error.message.includes(text) : text.test(error.message),
      `"${error.message}" does not say ${text}`,
    );
  const refused = await bench.alterTwin();
  // What is of use for --resume, once the row is mended, may stay; nothing may have been swapped.
  const left = (await tablesOf(bench.live, bench.schema)).filter((name) => !/_gh[cko]$/.test(name));
  assert.deepEqual(left, [bench.table]);
  if (stricter === undefined) {
    assert.ok(refused !== null, 'the server itself does this ALTER');
    assertSame(await bench.picture('live'), await bench.picture('twin'));
  } else assert.equal(refused, null, `the server does not do it either: ${refused?.message}`);
}

/** The changes of a case; made up where it has none and the key is an integer `id`. */
async function liveStatements(bench: Bench): Promise<Live> {
  const { copying, postponed } = bench.spec;
  if (copying !== undefined || postponed !== undefined)
    return { copying: copying ?? [], postponed: postponed ?? [] };
  const rows = await runSql(
    bench.live,
    `SELECT COLUMN_NAME AS name, EXTRA AS extra, GENERATION_EXPRESSION AS expression
       FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
    [bench.schema, bench.table],
  );
  const plain = rows.filter(({ expression, name }) => !expression && name !== 'id');
  if (!rows.some(({ name }) => name === 'id')) return { copying: [], postponed: [] };
  const name = quoteName(bench.table);
  const columns = ['', ...plain.map((row) => quoteName(String(row.name)))].join(', ');
  const twice = (offset: number): string =>
    `INSERT INTO ${name} (id${columns}) SELECT id + ${offset}${columns} FROM ${name} WHERE id < 1000`;
  return {
    copying: [twice(1000), `DELETE FROM ${name} WHERE id % 7 = 3`],
    postponed: [
      twice(2000),
      `UPDATE ${name} SET id = id + 3000 WHERE id < 1000 AND id % 3 = 1`,
      `DELETE FROM ${name} WHERE id % 5 = 2`,
    ],
  };
}
