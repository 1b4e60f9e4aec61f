// The ledger is the judge of all tests under load: here it is shown that it can find fault, with the server's
// own rows changed behind its back, and that it finds none where only an outcome is unknown.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { type Lab, runSql, startLab } from '../lab/lab.ts';
import { Ledger, type LedgerTable } from '../lab/ledger.ts';
import { FaultProxy } from '../lab/proxy.ts';

const ROWS = 5000;

/** A text key of two columns, with everything that writers can do. */
const accounts: LedgerTable = {
  database: 'ledger',
  name: 'accounts',
  key: ['region', 'name'],
  columns: ['region', 'name', 'slot', 'note', 'payload', 'amount', 'hits'],
  makeRow: (serial, random) => ({
    region: random.pick(['eu', 'us']),
    name: `new-${serial}`,
    slot: String(10_000_000 + serial),
    note: random.next() < 0.2 ? null : `Grüße ${serial}`,
    payload: `00FF${String(serial).padStart(8, '0')}`,
    amount: `${random.below(1000)}.50`,
    hits: '0',
  }),
  mutate: (_, serial, random) => ({ note: `changed ${serial}`, amount: `-${1 + random.below(9)}.25` }),
  newKey: (serial) => ({ region: 'moved', name: `m-${serial}` }),
  swap: { columns: ['slot'], park: (serial) => ({ slot: String(-serial) }) },
  counter: 'hits',
};

/** The server counts up the key. */
const events: LedgerTable = {
  database: 'ledger',
  name: 'events',
  key: ['id'],
  columns: ['id', 'body', 'hits'],
  autoKey: true,
  makeRow: (serial) => ({ body: `body ${serial}`, hits: '0' }),
  mutate: (_, serial) => ({ body: `changed ${serial}` }),
  counter: 'hits',
};

const CREATE = `
CREATE OR REPLACE TABLE_accounts (region VARCHAR(10), name VARCHAR(40), slot BIGINT NOT NULL, note VARCHAR(100),
  payload VARBINARY(40), amount DECIMAL(10,2), hits INT NOT NULL, PRIMARY KEY (region, name), UNIQUE KEY (slot))
`;

async function prepare(connection: Connection): Promise<void> {
  await runSql(connection, 'DROP DATABASE IF EXISTS ledger');
  await runSql(connection, 'CREATE DATABASE ledger CHARACTER SET utf8mb4');
  await runSql(connection, CREATE.replace('OR REPLACE TABLE_', 'TABLE ledger.'));
  await runSql(
    connection,
    'CREATE TABLE ledger.events (id INT AUTO_INCREMENT PRIMARY KEY, body VARCHAR(60), hits INT NOT NULL)',
  );
  const values = Array.from({ length: ROWS }, (_, i) => ['old', `n-${i}`, i, `note ${i}`, 'x', i, 0]);
  await connection.query('INSERT INTO ledger.accounts VALUES ?', [values]);
  await connection.query('INSERT INTO ledger.events (body, hits) VALUES ?', [
    values.map((_, i) => [`b${i}`, 0]),
  ]);
}

describe('ledger', () => {
  let lab: Lab;
  let connection: Connection;

  before(async () => {
    lab = await startLab({ flavor: 'mariadb', fast: true });
    connection = await lab.primary.connect();
  });

  after(async () => {
    connection.destroy();
    await lab.stop();
  });

  for (const table of [accounts, events]) {
    test(`an honest server is found honest: ${table.name}`, async () => {
      await prepare(connection);
      const ledger = await Ledger.open(lab.primary, table, { sampleRows: 2000 });
      const load = ledger.start({ writers: 6, readers: 2 });
      await sleep(1500);
      await load.stop();
      const result = await ledger.compare();
      const { lost, phantom, differing, surprises, unknown } = result;
      assert.deepEqual(
        { lost, phantom, differing, surprises, unknown },
        { lost: 0, phantom: 0, differing: 0, surprises: 0, unknown: 0 },
        JSON.stringify(result, undefined, 1),
      );
      assert.equal(ledger.initialRows, ROWS);
      assert.ok(result.writes > 500 && result.reads > 500, JSON.stringify(result));
      assert.ok(result.writerStopMs.p50 <= result.writerStopMs.p99);
      assert.ok(result.writerStopMs.p99 <= result.writerStopMs.max);
    });
  }

  for (const touched of [true, false]) {
    test(`one row deleted, added and changed is found, ${touched ? 'modelled' : 'untouched'} rows`, async () => {
      await prepare(connection);
      const ledger = await Ledger.open(lab.primary, accounts, { sampleRows: touched ? ROWS : 100 });
      const load = ledger.start({ writers: 2, readers: 0, mix: { move: 0, delete: 0, swap: 0 } });
      await sleep(300);
      await load.stop();
      await runSql(connection, "DELETE FROM ledger.accounts WHERE name = 'n-4000'");
      await runSql(connection, "UPDATE ledger.accounts SET note = 'x' WHERE name = 'n-4001'");
      await runSql(connection, "INSERT INTO ledger.accounts VALUES ('old','ghost',-5,'','',1,0)");
      const { lost, phantom, differing, examples } = await ledger.compare();
      assert.deepEqual({ lost, phantom, differing }, { lost: 1, phantom: 1, differing: 1 });
      assert.equal(examples.length, 3);
      assert.match(examples.join('\n'), /lost: .*n-4000/);
    });
  }

  test('one increment too many or too few of a hot row is found', async () => {
    await prepare(connection);
    const ledger = await Ledger.open(lab.primary, accounts, { sampleRows: 500, hotRows: 4 });
    const load = ledger.start({ writers: 4, readers: 0, mix: { increment: 100 } });
    await sleep(300);
    await load.stop();
    await runSql(connection, 'UPDATE ledger.accounts SET hits = hits + 1 ORDER BY hits DESC LIMIT 1');
    assert.equal((await ledger.compare()).differing, 1);
    await runSql(connection, 'UPDATE ledger.accounts SET hits = hits - 2 ORDER BY hits DESC LIMIT 1');
    assert.ok((await ledger.compare()).differing >= 1);
  });

  for (const table of [accounts, events]) {
    test(`broken connections leave outcomes unknown, and raise no false alarm: ${table.name}`, async () => {
      await prepare(connection);
      const proxy = await FaultProxy.start(lab.primary);
      try {
        const ledger = await Ledger.open(lab.primary, table, { sampleRows: 60, hotRows: 4 });
        const load = ledger.start({ writers: 4, readers: 1, pauseMs: 1, through: proxy });
        for (let round = 0; round < 40; round++) {
          await sleep(30);
          // Requests pass and answers do not: the server does what we never hear of.
          proxy.freeze('toClient');
          await sleep(10);
          proxy.reset();
          proxy.unfreeze();
        }
        await load.stop();
        const result = await ledger.compare();
        const { lost, phantom, differing, surprises } = result;
        assert.ok(result.unknown > 10, `only ${result.unknown} unknown outcomes`);
        assert.deepEqual(
          { lost, phantom, differing, surprises },
          { lost: 0, phantom: 0, differing: 0, surprises: 0 },
          JSON.stringify(result, undefined, 1),
        );
      } finally {
        proxy.stop();
      }
    });
  }

  test('a killed server is no false alarm either', async () => {
    await prepare(connection);
    const { primary } = lab;
    connection.destroy();
    await primary.restart({ sync_binlog: 1, innodb_flush_log_at_trx_commit: 1 });
    const ledger = await Ledger.open(primary, accounts, { sampleRows: 300 });
    const load = ledger.start({ writers: 4, readers: 1, pauseMs: 1 });
    for (let round = 0; round < 3; round++) {
      await sleep(200);
      await primary.kill9();
      await primary.restart();
    }
    await sleep(200);
    await load.stop();
    const result = await ledger.compare();
    const { lost, phantom, differing, surprises } = result;
    assert.deepEqual(
      { lost, phantom, differing, surprises },
      { lost: 0, phantom: 0, differing: 0, surprises: 0 },
      JSON.stringify(result, undefined, 1),
    );
    assert.ok(result.writerStopMs.max > 50, 'the longest stop does not show that the server was away');
    connection = await primary.connect();
  });
});
