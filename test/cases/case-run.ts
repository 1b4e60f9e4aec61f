// Runs one case folder as an operator would: the real command up to the postponed cut-over while an event of the server
// changes the table, the changes stopped, ghost and original compared, the cut-over, new and old table compared.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { type Child, startCli } from '../lab/children.ts';
import { type LabServer, type Row, runSql, runSqlForValue } from '../lab/lab.ts';
import type { CaseSpec } from './case-files.ts';

const deadlineMs = 60_000;

class CaseRun {
  readonly #server: LabServer;
  readonly #spec: CaseSpec;
  readonly #sql: Connection;
  readonly #schema: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'poltergeist-case-'));
  #child: Child | null = null;

  constructor(server: LabServer, spec: CaseSpec, sql: Connection, schema: string) {
    this.#server = server;
    this.#spec = spec;
    this.#sql = sql;
    this.#schema = schema;
  }

  async run(): Promise<void> {
    try {
      for (const statement of this.#spec.create) await runSql(this.#sql, statement);
      const child = this.#start();
      if (this.#spec.expectFailure === null) await this.#succeed(child);
      else await this.#fail(child, this.#spec.expectFailure);
    } finally {
      this.#child?.kill('SIGKILL');
      await this.#child?.exit;
      for (const statement of this.#spec.destroy) await runSql(this.#sql, statement);
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  get #flag(): string {
    return join(this.#folder, 'postpone');
  }

  #start(): Child {
    const { host, port, user, password } = this.#server;
    const place = ['--host', host, '--port', String(port), '--user', user, '--password', password];
    const what = ['--database', this.#schema, '--table', 't', '--alter', this.#spec.alter];
    const how = ['--allow-on-master', '--execute', '--chunk-size', '10', '--verbose'];
    const control = ['--postpone-cut-over-flag-file', this.#flag];
    const socket = ['--serve-socket-file', join(this.#folder, 'socket')];
    this.#child = startCli([...place, ...what, ...how, ...control, ...socket, ...this.#spec.extraArgs], {
      env: { TMPDIR: this.#folder },
    });
    return this.#child;
  }

  async #succeed(child: Child): Promise<void> {
    await child.waitForLine(/State: postponing cut-over/, deadlineMs);
    await this.#stopChanges();
    const { columns } = this.#spec;
    await this.#equal('_t_gho', 't', columns?.ghost, columns?.original);
    rmSync(this.#flag);
    const { code } = await child.exit;
    assert.equal(code, 0, child.stderr);
    assert.match(child.stdout, /^# Done$/m);
    // The verifier mends what went wrong before it: that it had to is the defect.
    assert.doesNotMatch(child.stderr, /no change explains it/);
    await this.#equal('t', '_t_del', columns?.ghost, columns?.original);
  }

  async #fail(child: Child, says: string): Promise<void> {
    const postponed = child.waitForLine(/State: postponing cut-over/, deadlineMs).then(
      () => child.kill(),
      () => undefined,
    );
    const { code } = await child.exit;
    await postponed;
    assert.ok(code === 1 || code === 2, `it ended with ${code}: ${child.stdout}`);
    const output = child.stdout + child.stderr;
    assert.ok(!/State: postponing cut-over/.test(output), 'it went as far as to postpone the cut-over');
    assert.ok(output.includes(says), `"${says}" is not in: ${output}`);
    const swapped = await runSql(this.#sql, "SHOW TABLES LIKE '\\_t\\_del'");
    assert.deepEqual(swapped, [], 'the tables were swapped');
  }

  /** Lets the event happen once more, so that there are changes to apply, and ends it. */
  async #stopChanges(): Promise<void> {
    const last = (): Promise<Row[]> =>
      runSql(
        this.#sql,
        'SELECT LAST_EXECUTED AS at FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? AND STATUS = ?',
        [this.#schema, 'ENABLED'],
      );
    const before = (await last())[0];
    if (before === undefined) return;
    await until(async () => String((await last())[0]?.at) !== String(before.at), 'the event happens');
    await runSql(this.#sql, 'DROP EVENT live');
    await until(async () => {
      const busy =
        'SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = ? AND ID <> CONNECTION_ID()';
      const ours = "AND INFO NOT LIKE '%poltergeist%' AND USER = 'event_scheduler'";
      return Number(await runSqlForValue(this.#sql, `${busy} ${ours}`, [this.#schema])) === 0;
    }, 'the event ends');
  }

  /** Two tables hold the same; the ghost may need a moment to catch up. */
  async #equal(one: string, other: string, ofOne = '*', ofOther = '*'): Promise<void> {
    const order = this.#spec.orderBy;
    const rows = async (table: string, columns: string): Promise<string[]> => {
      const by = order === null ? '' : ` ORDER BY ${order}`;
      const [found] = await this.#sql.query<RowDataPacket[][]>({
        sql: `SELECT ${columns} FROM ${table}${by}`,
        rowsAsArray: true,
      });
      const lines = found.map((row) => JSON.stringify(row.map(asText)));
      return order === null ? lines.sort() : lines;
    };
    let pair: [string[], string[]] = [[], []];
    const same = async (): Promise<boolean> => {
      pair = [await rows(one, ofOne), await rows(other, ofOther)];
      return JSON.stringify(pair[0]) === JSON.stringify(pair[1]);
    };
    await until(same, 'both are equal', 15_000).catch(() => undefined);
    assert.ok(pair[1].length > 0, `${other} is empty: nothing was compared`);
    assert.deepEqual(pair[0], pair[1], `${one} and ${other} differ`);
  }
}

/**
 * Runs a case in a schema of its own.
 * @throws what is not as the case says.
 */
export async function runCase(server: LabServer, spec: CaseSpec): Promise<void> {
  const schema = `case_${spec.name.replaceAll('-', '_')}`.slice(0, 60);
  const sql = await server.connect({ dateStrings: true, supportBigNumbers: true, bigNumberStrings: true });
  try {
    await runSql(sql, `DROP DATABASE IF EXISTS ${schema}`);
    await runSql(sql, `CREATE DATABASE ${schema} CHARACTER SET utf8mb4`);
    await runSql(sql, `USE ${schema}`);
    await runSql(sql, 'SET NAMES utf8mb4');
    await runSql(sql, "SET sql_mode = 'NO_ENGINE_SUBSTITUTION'");
    await new CaseRun(server, spec, sql, schema).run();
    await runSql(sql, `DROP DATABASE ${schema}`);
  } finally {
    sql.destroy();
  }
}

/** The driver gives a BIGINT as text and an INT as a number: they are the same value. */
function asText(value: unknown): unknown {
  return typeof value === 'number' ? String(value) : value;
}

async function until(holds: () => Promise<boolean>, what: string, withinMs = 30_000): Promise<void> {
  for (let waitedMs = 0; waitedMs < withinMs; waitedMs += 50) {
    if (await holds()) return;
    await sleep(50);
  }
  throw new Error(`not within ${withinMs} ms: ${what}`);
}
