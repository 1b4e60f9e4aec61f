import { parseArgs } from 'node:util';
import type { Connection } from 'mysql2/promise';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import { allowNumbers, numbersSql } from './parts/numbers.ts';
import { compareRebuilds, type Rebuilds } from './parts/rebuilds.ts';

const batchRows = 5000;

/**
 * Rows of 8 kB; and a table whose key is a random UUID, the worst order to insert in. Options: --rows N (of the wide one; the other
 * has five times as many), --server mysql|mariadb.
 */
export async function run(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '200000' },
      server: { type: 'string', default: 'mysql' },
    },
  });
  const rows = Number(values.rows);
  const flavor = values.server === 'mariadb' ? 'mariadb' : 'mysql';
  const options = { innodb_buffer_pool_size: '1G', binlog_expire_logs_seconds: 60 };
  const lab = await startLab({ flavor, options });
  try {
    const wide = await compare(lab, {
      rows,
      columns: 'id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL, body MEDIUMTEXT NOT NULL',
      // Not random to the last letter, as no text is; off the page, as long ones are.
      values: 'NULL, n, REPEAT(SHA2(RAND(), 256), 125)',
    });
    const uuid = await compare(lab, {
      rows: 5 * rows,
      columns: 'id BINARY(16) NOT NULL PRIMARY KEY, a INT NOT NULL, body CHAR(100) NOT NULL',
      values: 'UNHEX(LEFT(SHA2(CONCAT(RAND(), n), 256), 32)), n, LEFT(SHA2(n, 512), 100)',
    });
    return { server: `${lab.primary.flavor} ${lab.primary.version}`, wide, uuid };
  } finally {
    await lab.stop();
  }
}

interface Shape {
  readonly rows: number;
  readonly columns: string;
  readonly values: string;
}

async function compare(lab: Lab, shape: Shape): Promise<Rebuilds> {
  const connection = await lab.primary.connect();
  await runSql(connection, 'DROP DATABASE IF EXISTS wide');
  await runSql(connection, 'CREATE DATABASE wide');
  await runSql(connection, `CREATE TABLE wide.t (${shape.columns})`);
  await fill(connection, lab.primary.flavor, shape);
  await runSql(connection, 'ANALYZE TABLE wide.t');
  const job = { database: 'wide', table: 't', alter: 'ENGINE=InnoDB' };
  const figures = await compareRebuilds(connection, lab.primary, job);
  await connection.end();
  return figures;
}

async function fill(connection: Connection, flavor: Flavor, { rows, values }: Shape): Promise<void> {
  await allowNumbers(connection, flavor, batchRows);
  for (let done = 0; done < rows; done += batchRows) {
    const [from, to] = [done + 1, Math.min(rows, done + batchRows)];
    const numbers = numbersSql(flavor, 'wide', from, to);
    await runSql(connection, `INSERT INTO wide.t SELECT ${values} FROM (${numbers}) AS numbers`);
  }
}
