// Chunks tile the key space: what lies at its ends, in its gaps, or moves from one chunk to another must be copied
// once. Each test here puts rows where a bound could be off by one.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import { assertSameRows } from './migrate-compare.ts';
import { connectLax, migrate, Run } from './migrate-run.ts';

const schema = 'bounds';
const alter = 'ADD COLUMN added INT';
const tens = ['--chunk-size', '10'];
/** Keys of the tables that are written to while they are copied. */
const rows = 1500;

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`bounds of chunks, ${flavor}`, { concurrency: 2 }, () => {
    let lab: Lab;
    let db: Connection;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
      db = await connectLax(lab.primary);
      await runSql(db, `CREATE DATABASE ${schema}`);
    });
    after(async () => {
      db?.destroy();
      await lab?.stop();
    });

    const fill = async (name: string, type: string, keys: readonly (string | number)[]): Promise<void> => {
      await runSql(db, `CREATE TABLE ${schema}.${name} (id ${type} NOT NULL PRIMARY KEY, v INT NOT NULL)`);
      for (let at = 0; at < keys.length; at += 500) {
        const values = keys.slice(at, at + 500).map((key) => `(${key}, 0)`);
        await runSql(db, `INSERT INTO ${schema}.${name} VALUES ${values.join(', ')}`);
      }
    };
    const same = (name: string): Promise<number> =>
      assertSameRows(db, schema, [`_${name}_del`, name], ['id', 'v']);
    const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

    const still: Record<string, readonly [string, readonly (string | number)[]]> = {
      'no row': ['INT', []],
      'one row': ['INT', [5]],
      'just one chunk': ['INT', upTo(10)],
      'one row more than a chunk': ['INT', upTo(11)],
      'just two chunks': ['INT', upTo(20)],
      'two rows with a huge gap': ['BIGINT', ['-9223372036854775808', '9223372036854775807']],
      'the ends of BIGINT UNSIGNED': [
        'BIGINT UNSIGNED',
        [0, 1, '9223372036854775807', '9223372036854775808', '18446744073709551614', '18446744073709551615'],
      ],
      'both sides of zero': ['BIGINT', upTo(45).map((i) => i - 22)],
      'gaps that grow': ['BIGINT', upTo(62).map((i) => String(2n ** BigInt(i)))],
    };
    for (const [what, [type, keys]] of Object.entries(still)) {
      test(`HAZARDS 12, 52, 56: ${what}`, async () => {
        const name = `s${Object.keys(still).indexOf(what)}`;
        await fill(name, type, keys);
        const run = await migrate(lab.primary, { schema, table: name, alter, options: tens });
        assert.equal(await same(name), keys.length);
        assert.equal(run.snapshot.rowsCopied, keys.length);
      });
    }

    /** Runs a migration in steps of ten rows while `write` is called again and again, from copy to postponement. */
    const whileCopying = async (
      name: string,
      write: (connection: Connection, round: number) => Promise<void>,
    ): Promise<number> => {
      const run = new Run(lab.primary, { schema, table: name, alter, postpone: true, options: tens });
      const connection = await connectLax(lab.primary);
      try {
        let copied = false;
        await run.reach('copying');
        const watched = run.postponed().then(() => {
          copied = true;
        });
        watched.catch(() => {
          copied = true;
        });
        for (let round = 0; !copied || round < 3; round += 1) {
          await write(connection, round);
          // The verifier would wait long for keys that hot.
          if (run.snapshot.phase !== 'copying') await sleep(10);
        }
        await watched;
        await sleep(50);
        for (let round = 0; round < 20; round += 1) await write(connection, round);
        const { changesReceived } = await run.finish();
        return changesReceived;
      } finally {
        connection.destroy();
        await run.stop();
      }
    };

    test('HAZARDS 12: rows that are appended at the tail while the last chunk is copied', async () => {
      await fill('tail', 'BIGINT', upTo(rows));
      let next = rows;
      const changes = await whileCopying('tail', async (connection) => {
        // Slower than ten rows a chunk are copied, or the copy would have no end.
        const values = upTo(3).map((i) => `(${next + i}, 1)`);
        await runSql(connection, `INSERT INTO ${schema}.tail VALUES ${values.join(', ')}`);
        next += 3;
        await sleep(3);
      });
      assert.equal(await same('tail'), next);
      assert.ok(changes > 0);
    });

    test('HAZARDS 3, 7: all rows are deleted while they are copied, some come back', async () => {
      await fill('gone', 'INT', upTo(rows));
      await whileCopying('gone', async (connection, round) => {
        if (round % 10 === 9)
          await runSql(connection, `INSERT IGNORE INTO ${schema}.gone VALUES (${round}, 3)`);
        else await runSql(connection, `DELETE FROM ${schema}.gone ORDER BY id DESC LIMIT 100`);
      });
      assert.ok((await same('gone')) < 100);
    });

    test('HAZARDS 15: keys move across the watermark, down and up', async () => {
      await fill(
        'moved',
        'INT',
        upTo(rows).map((i) => (i % 2 === 0 ? i : i + 1_000_000)),
      );
      await whileCopying('moved', async (connection, round) => {
        // Rows of the far end come to the near one, behind the copier's back, and those of the near one go far ahead.
        const sign = round % 2 === 0 ? '-' : '+';
        const from = round % 2 === 0 ? '>= 1000000' : '< 1000000';
        await runSql(
          connection,
          `UPDATE ${schema}.moved SET id = id ${sign} 1000000, v = v + 1 WHERE id ${from} ORDER BY RAND() LIMIT 30`,
        ).catch((error: { code?: string }) => assert.equal(error.code, 'ER_DUP_ENTRY'));
      });
      assert.equal(await same('moved'), rows);
    });

    test('HAZARDS 2, 15: rows around the bound of the chunk in flight change all the time', async () => {
      await fill(
        'around',
        'INT',
        upTo(rows).map((i) => 2 * i),
      );
      await whileCopying('around', async (connection, round) => {
        const [at] = await runSql(connection, `SELECT MAX(id) AS id FROM ${schema}._around_gho`).catch(
          () => [],
        );
        const id = Number(at?.id ?? 0);
        await runSql(
          connection,
          `UPDATE ${schema}.around SET v = v + 1 WHERE id BETWEEN ${id - 6} AND ${id + 40}`,
        );
        await runSql(connection, `DELETE FROM ${schema}.around WHERE id IN (${id}, ${id + 20}, ${id + 22})`);
        await runSql(
          connection,
          `INSERT IGNORE INTO ${schema}.around VALUES (${id + 1}, ${round}), (${id + 21}, 1)`,
        );
      });
      assert.ok((await same('around')) > 100);
    });
  });
}
