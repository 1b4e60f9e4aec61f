// The binlog tells of a transaction before its rows can be read: who drops a key then, because the copier will come by later,
// loses the row. Here 32 writers insert just ahead of the copier on durable servers, and the stream is cut again and again.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import { assertSameRows } from './migrate-compare.ts';
import { createItems, itemsTable, migrateUnderLedger, swapping } from './migrate-items.ts';
import { connectLax, Run } from './migrate-run.ts';

const schema = 'race';
const writers = 32;
const rows = 4000;
/** Room between two rows of the start. */
const gap = 100;
/** How far ahead of the newest row of the ghost writers insert, in rows of the start. */
const ahead = 30;
/** So that the copy has an end. */
const insertsMax = 8000;

/** Inserts ahead of the copier until the copy is over. @returns rows inserted. */
async function insertAhead(lab: Lab, table: string, isOver: () => boolean): Promise<number> {
  let high = 0;
  let inserted = 0;
  const watcher = await connectLax(lab.primary);
  const look = async (): Promise<void> => {
    while (!isOver()) {
      const found = await runSql(watcher, `SELECT MAX(id) AS id FROM ${schema}._${table}_gho`).catch(
        () => [],
      );
      high = Number(found[0]?.id ?? 0);
      await sleep(1);
    }
  };
  const write = async (number: number): Promise<void> => {
    const connection = await connectLax(lab.primary);
    try {
      for (let i = 0; !isOver() && inserted < insertsMax; i += 1) {
        // Every writer has numbers of its own within the gaps: the first row of the start that is far enough is next to it.
        const id = (Math.floor(high / gap) + 5 + ((i * 7) % ahead)) * gap + 1 + number;
        const sql = `INSERT IGNORE INTO ${schema}.${table} VALUES (${id}, ${i}, REPEAT('x', 200))`;
        const [{ affectedRows }] = (await connection.query(sql)) as unknown as [{ affectedRows: number }];
        inserted += affectedRows;
      }
    } finally {
      connection.destroy();
    }
  };
  try {
    await Promise.all([look(), ...Array.from({ length: writers }, (_, i) => write(i))]);
  } finally {
    watcher.destroy();
  }
  return inserted;
}

async function createRows(db: Connection, table: string): Promise<void> {
  await runSql(
    db,
    `CREATE TABLE ${schema}.${table} (id BIGINT PRIMARY KEY, v INT NOT NULL, pad CHAR(200) NOT NULL)`,
  );
  const values = Array.from({ length: rows }, (_, i) => [i * gap, 0, 'start']);
  await db.query(`INSERT INTO ${schema}.${table} VALUES ?`, [values]);
}

async function race(lab: Lab, db: Connection, table: string): Promise<number> {
  await createRows(db, table);
  const options = ['--chunk-size', '30'];
  const run = new Run(lab.primary, { schema, table, alter: 'ADD COLUMN added INT', postpone: true, options });
  let over = false;
  try {
    await run.reach('copying');
    const writing = insertAhead(lab, table, () => over);
    const copied = run.postponed().finally(() => {
      over = true;
    });
    const [inserted] = await Promise.all([writing, copied]);
    await run.finish();
    await assertSameRows(db, schema, [`_${table}_del`, table], ['id', 'v', 'pad']);
    return inserted;
  } finally {
    over = true;
    await run.stop();
  }
}

/**
 * The race without chance: while the replica stands still nothing becomes visible, but the stream brings it. Its keys are dropped,
 * and then the copier, which had been throttled, is let go on into the very range.
 */
async function frozen(lab: Lab, db: Connection, table: string): Promise<void> {
  await createRows(db, table);
  const options = ['--chunk-size', '50'];
  const run = new Run(lab.primary, { schema, table, alter: 'ADD COLUMN added INT', postpone: true, options });
  const connections = await Promise.all(Array.from({ length: 8 }, () => connectLax(lab.primary)));
  const [replica] = lab.replicas;
  try {
    await run.until('a chunk', ({ rowsCopied }) => rowsCopied > 0);
    for (let round = 0; round < 4; round += 1) {
      run.migrator.throttle();
      await sleep(100);
      const [at] = await runSql(db, `SELECT MAX(id) AS id FROM ${schema}._${table}_gho`);
      const before = run.snapshot.changesReceived;
      replica?.pause();
      const inserts = connections.map((connection, i) => {
        const id = Number(at?.id) + gap * (i + 1) + 50;
        return runSql(connection, `INSERT INTO ${schema}.${table} VALUES (${id}, ${round}, 'frozen')`);
      });
      await run.until('events', ({ changesReceived }) => changesReceived > before);
      await sleep(50);
      run.migrator.unthrottle();
      await sleep(100);
      replica?.resume();
      await Promise.all(inserts);
    }
    await run.finish();
    const count = await assertSameRows(db, schema, [`_${table}_del`, table], ['id', 'v', 'pad']);
    assert.equal(count, rows + 32);
  } finally {
    replica?.resume();
    for (const connection of connections) connection.destroy();
    await run.stop();
  }
}

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  for (const semiSync of [false, true]) {
    describe(`visibility, ${flavor}, ${semiSync ? 'semi-sync AFTER_SYNC' : 'durable'}`, () => {
      let lab: Lab;
      let db: Connection;
      before(async () => {
        lab = await startLab({ flavor, ...(semiSync ? { replicas: [{ semiSync: true, fast: true }] } : {}) });
        db = await connectLax(lab.primary);
        await runSql(db, `CREATE DATABASE ${schema}`);
      });
      after(async () => {
        db?.destroy();
        await lab?.stop();
      });

      for (const round of semiSync ? [1] : [1, 2]) {
        test(`HAZARDS 4, 109: keys are dropped above the high watermark, run ${round}`, async (t) => {
          const inserted = await race(lab, db, `t${round}`);
          assert.ok(inserted > 100, `only ${inserted} rows were inserted`);
          t.diagnostic(`${rows} rows, ${inserted} rows inserted ahead of the copier`);
        });
      }

      test('HAZARDS 4: rows in the binlog wait for a replica while chunks are read', {
        skip: !semiSync,
      }, async () => {
        await frozen(lab, db, 'frozen');
      });

      test('HAZARDS 38, 40, 41: the dump thread is killed again and again', { skip: semiSync }, async (t) => {
        const table = itemsTable(schema, 'cut');
        await createItems(db, table, 2000);
        let kills = 0;
        const killing = async (run: Run): Promise<void> => {
          await run.reach('copying');
          for (let i = 0; kills < 8 && i < 100; i += 1) {
            for (const { id } of await dumpThreads(db)) {
              await runSql(db, `KILL ${id}`).catch(() => undefined);
              kills += 1;
            }
            await sleep(60);
          }
        };
        const spec = { alter: 'MODIFY note VARCHAR(80)', options: ['--chunk-size', '10'], postponeMs: 300 };
        const result = await migrateUnderLedger(lab.primary, table, spec, swapping, killing);
        assert.ok(kills >= 8, `only ${kills} kills`);
        t.diagnostic(`${result.writes} writes, ${result.changes} changes, ${kills} kills`);
      });
    });
  }
}

async function dumpThreads(db: Connection): Promise<{ id: number }[]> {
  const rows = await runSql(
    db,
    "SELECT id AS id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'",
  );
  return rows.map(({ id }) => ({ id: Number(id) }));
}
