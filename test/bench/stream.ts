import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import type { Connection } from 'mysql2/promise';
import type { Position } from '../../src/core/position.ts';
import type { ChangelogRow, ChangeSink } from '../../src/core/stream.ts';
import type { BinlogStream } from '../../src/mysql/binlog/stream.ts';
import { type LabServer, runSql, startLab } from '../lab/lab.ts';
import { CHANGELOG, follow, Marker, makeStream } from '../mysql/stream-lab.ts';
import { HeldMigration } from './parts/held.ts';
import { allowNumbers, numbersSql } from './parts/numbers.ts';

const batchRows = 100_000;
const rowBytes = 200;
const loopResolutionMs = 5;

/**
 * A live server's binlog, read: so many MB of another table's rows, then of ours; and the memory of the whole command when as many
 * changes come in while nothing is applied. Options: --mb N, --server mysql|mariadb.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: { mb: { type: 'string', default: '1000' }, server: { type: 'string', default: 'mysql' } },
  });
  const flavor = values.server === 'mariadb' ? 'mariadb' : 'mysql';
  const lab = await startLab({ flavor, fast: true, options: { innodb_buffer_pool_size: '1G' } });
  try {
    const connection = await lab.primary.connect();
    const rows = Math.ceil((Number(values.mb) * 1e6) / rowBytes / batchRows) * batchRows;
    await createTables(connection);
    const stream = makeStream(lab.primary);
    const from = await stream.currentPosition();
    await fill(connection, lab.primary, 'theirs', rows);
    await mark(connection, 1);
    await fill(connection, lab.primary, 'ours', rows);
    await mark(connection, 2);
    const read = await readAll(stream, lab.primary, from, rows);
    const rssMB = await stalled(lab.primary, connection, rows);
    await connection.end();
    return { server: `${lab.primary.flavor} ${lab.primary.version}`, rows, ...read, rssMB };
  } finally {
    await lab.stop();
  }
}

async function createTables(connection: Connection): Promise<void> {
  await runSql(connection, `CREATE DATABASE ${CHANGELOG.schema}`);
  await Marker.createTable(connection);
  for (const name of ['theirs', 'ours']) {
    const columns =
      'id INT NOT NULL PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT NULL, pad CHAR(60) NOT NULL';
    await runSql(connection, `CREATE TABLE ${CHANGELOG.schema}.${name} (${columns})`);
  }
}

async function fill(connection: Connection, server: LabServer, table: string, rows: number): Promise<void> {
  await allowNumbers(connection, server.flavor, batchRows);
  for (let done = 0; done < rows; done += batchRows) {
    const numbers = numbersSql(server.flavor, CHANGELOG.schema, done + 1, done + batchRows);
    const values = "n, n, REPEAT('c', 120), REPEAT('p', 55)";
    await runSql(
      connection,
      `INSERT INTO ${CHANGELOG.schema}.${table} SELECT ${values} FROM (${numbers}) AS s`,
    );
  }
}

async function mark(connection: Connection, sequence: number): Promise<void> {
  const { schema, name } = CHANGELOG;
  await runSql(
    connection,
    `REPLACE INTO ${schema}.${name} VALUES (1, 'mark', ${sequence}, ${Date.now()}, NULL)`,
  );
}

/** Notes when and after how many bytes a mark came. */
class Watch implements ChangeSink {
  readonly passed: { readonly atMs: number; readonly bytes: number }[] = [];
  touches = 0;
  readonly #stream: BinlogStream;
  readonly #done: () => void;

  constructor(stream: BinlogStream, done: () => void) {
    this.#stream = stream;
    this.#done = done;
  }

  touched(): void {
    this.touches++;
  }
  marked(row: ChangelogRow): void {
    this.passed.push({ atMs: performance.now(), bytes: this.#stream.stats.bytes });
    if (row.sequence === 2) this.#done();
  }
  committed(): void {}
  noticed(): void {}
}

async function readAll(
  stream: BinlogStream,
  server: LabServer,
  from: Position,
  rows: number,
): Promise<object> {
  stream.followChangelog(CHANGELOG);
  await follow(stream, server, { schema: CHANGELOG.schema, name: 'ours' });
  const ending = new AbortController();
  const watch = new Watch(stream, () => ending.abort());
  const delays = monitorEventLoopDelay({ resolution: loopResolutionMs });
  delays.enable();
  const startMs = performance.now();
  await stream.run(from, watch, ending.signal);
  delays.disable();
  const [theirs, ours] = watch.passed;
  if (theirs === undefined || ours === undefined) throw new Error('the marks did not come');
  if (watch.touches !== rows) throw new Error(`${watch.touches} keys came, not ${rows}`);
  return {
    skipMBps: Math.round(theirs.bytes / 1e6 / ((theirs.atMs - startMs) / 1000)),
    keysPerSecond: Math.round(rows / ((ours.atMs - theirs.atMs) / 1000)),
    loopDelayP99Ms: Number((delays.percentile(99) / 1e6 - loopResolutionMs).toFixed(1)),
  };
}

/** The command reads on while throttled; all rows of its table change. */
async function stalled(server: LabServer, connection: Connection, rows: number): Promise<number | null> {
  const job = { database: CHANGELOG.schema, table: 'ours', alter: 'ENGINE=InnoDB' };
  const run = new HeldMigration(server, job, true);
  try {
    await run.reach(/State: throttled, flag-file/);
    for (let done = 0; done < rows; done += batchRows) {
      const range = `id > ${done} AND id <= ${done + batchRows}`;
      await runSql(connection, `UPDATE ${CHANGELOG.schema}.ours SET k = k + 1 WHERE ${range}`);
    }
    await run.backlogAtRest(2000);
    return run.rssMB;
  } finally {
    await run.end();
  }
}
