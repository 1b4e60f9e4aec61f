// Secondary indexes are built after the copy: what is cut down in between goes on, what writers do meanwhile is in the
// new table, unique values that move about are no duplicates (DESIGN 4, I5, I8).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { systemClock } from '../../src/base/clock.ts';
import { countReplicas } from '../../src/mysql/deferred-indexes.ts';
import { type Flavor, type Lab, runSql, startLab } from '../lab/lab.ts';
import { createItems, itemsTable, migrateUnderLedger } from './migrate-items.ts';
import { migrate, Run } from './migrate-run.ts';
import { assertNothingLost, DB, killNow, prepare, startCommand, succeed, TABLE } from './resume-lab.ts';
import { withSession } from './session-lab.ts';

const always = ['--defer-indexes', 'always'];
const waitMs = 60_000;

async function definition(sql: Connection, table: string): Promise<string> {
  const [row] = await runSql(sql, `SHOW CREATE TABLE ${table}`);
  return String(row?.['Create Table'])
    .replace(/^CREATE TABLE \S+/, '')
    .replace(/ AUTO_INCREMENT=\d+/, '');
}

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`deferred indexes, ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    let holder: Connection;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
      sql = await lab.primary.connect();
      holder = await lab.primary.connect();
      await runSql(sql, 'CREATE DATABASE ix');
    });
    after(async () => {
      sql?.destroy();
      holder?.destroy();
      await lab?.stop();
    });

    /** No ALTER of the ghost begins while somebody reads it in a transaction. */
    async function holdGhost(ghost: string): Promise<void> {
      await runSql(holder, 'START TRANSACTION');
      await runSql(holder, `SELECT COUNT(*) FROM ${ghost}`);
    }

    async function alters(): Promise<unknown[]> {
      const rows = await runSql(sql, 'SHOW FULL PROCESSLIST');
      return rows.filter(({ Info }) => /^ALTER TABLE .*_gho/.test(String(Info)));
    }

    test('HAZARDS 93: an abort ends the ALTER on the server; --resume builds what is missing', async () => {
      await runSql(sql, 'DROP TABLE IF EXISTS ix.t, ix.twin, ix._t_del');
      await runSql(
        sql,
        'CREATE TABLE ix.t (id INT PRIMARY KEY, a INT, b VARCHAR(9), KEY a (a), UNIQUE KEY u (a, id))',
      );
      await sql.query('INSERT INTO ix.t VALUES ?', [
        Array.from({ length: 50 }, (_, i) => [i, i % 7, `v${i}`]),
      ]);
      const alter = 'ADD KEY b (b(3) DESC), ADD UNIQUE KEY w (b)';
      await runSql(sql, 'CREATE TABLE ix.twin LIKE ix.t');
      await runSql(sql, `ALTER TABLE ix.twin ${alter}`);
      const spec = { schema: 'ix', table: 't', alter };
      const first = new Run(lab.primary, { ...spec, options: always });
      first.migrator.throttle();
      await first.reach('copying');
      assert.doesNotMatch(await definition(sql, 'ix._t_gho'), /\n {2}(UNIQUE )?KEY/);
      await holdGhost('ix._t_gho');
      first.migrator.unthrottle();
      await first.until(
        'an ALTER',
        (now) => now.phase === 'indexing' && first.lines.some((line) => /^building/.test(line)),
      );
      while ((await alters()).length === 0) await systemClock.sleep(10);
      await first.stop();
      assert.deepEqual(await alters(), []);
      await runSql(holder, 'COMMIT');
      // As if the server had still done the first step of a run that is dead.
      const keys = [...(await definition(sql, 'ix.twin')).matchAll(/^ {2}(KEY .*?),?$/gm)].map(
        ([, key]) => `ADD ${key}`,
      );
      assert.equal(keys.length, 2);
      await runSql(sql, `ALTER TABLE \`ix\`.\`_t_gho\` ${keys.join(', ')}, ALGORITHM=INPLACE, LOCK=NONE`);
      const second = await migrate(lab.primary, { ...spec, options: [...always, '--resume'] });
      const built = second.lines.filter((line) => /^building/.test(line)).map((line) => line.split(' {')[0]);
      assert.deepEqual(built, ['building u', 'building w']);
      assert.equal(await definition(sql, 'ix.t'), await definition(sql, 'ix.twin'));
    });

    test('kill -9 while indexes are built, under load: --resume goes on, nothing is lost', async (t) => {
      const ledger = await prepare(lab.primary, sql, 3000, 5);
      const load = ledger.start({ writers: 4, readers: 1, pauseMs: 5 });
      t.after(() => load.stop());
      const child = startCommand(lab.primary, { more: always });
      await child.waitForLine(/indexes of .* are built after the copy/, waitMs);
      await holdGhost(`${DB}._${TABLE}_gho`);
      await child.waitForLine(/building beatmap_score/, waitMs);
      await child.waitForLine(/checkpoint success/, waitMs);
      await killNow(child);
      await runSql(holder, 'COMMIT');
      const again = startCommand(lab.primary, { resume: true, more: always });
      await succeed(again);
      assert.match(again.stderr, /Indexes built|all indexes are there/);
      await load.stop();
      await assertNothingLost(ledger);
    });

    test('HAZARDS 14, 89: unique values are swapped while their keys are built', async () => {
      for (const [name, keys, alter] of [
        ['kept', 'UNIQUE KEY slot (slot)', 'MODIFY note VARCHAR(80)'],
        ['added', '', 'ADD UNIQUE KEY slot (slot)'],
      ] as const) {
        const table = itemsTable('ix', `items_${name}`);
        await createItems(sql, table, 1200, keys);
        await migrateUnderLedger(lab.primary, table, { alter, options: ['--chunk-size', '10', ...always] });
        assert.match(await definition(sql, `ix.items_${name}`), /UNIQUE KEY `slot`/);
      }
    });

    test('two rows that collide under a new unique key are named when it is built', async () => {
      await runSql(sql, 'DROP TABLE IF EXISTS ix.c');
      await runSql(sql, 'CREATE TABLE ix.c (id INT PRIMARY KEY, a INT, b VARCHAR(9))');
      await runSql(
        sql,
        "INSERT INTO ix.c VALUES (1, NULL, 'x'), (2, NULL, 'y'), (3, 7, 'z'), (4, 8, 'z'), (5, 7, 'Z')",
      );
      const alter = 'MODIFY b VARCHAR(9) COLLATE utf8mb4_general_ci, ADD UNIQUE KEY ab (a, b(1))';
      const run = new Run(lab.primary, { schema: 'ix', table: 'c', alter, options: always });
      const error = await run.failure();
      assert.match(error.message, /collide under the new unique key ab: id=3 and id=5/);
      assert.match(run.lines.join('\n'), /building ab/);
    });

    test('small tables are not worth it, and it is said', async () => {
      await runSql(sql, 'DROP TABLE IF EXISTS ix.s');
      await runSql(sql, 'CREATE TABLE ix.s (id INT PRIMARY KEY, a INT, KEY a (a))');
      const run = await migrate(lab.primary, { schema: 'ix', table: 's', alter: 'ENGINE=InnoDB' });
      assert.match(run.lines.join('\n'), /kept up while rows are copied: the table is small/);
    });
  });
}

test('attached replicas are seen, so that auto does not make them lag', async () => {
  for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
    const lab = await startLab({ flavor, fast: true, replicas: 1 });
    try {
      assert.equal(await withSession(lab.primary, countReplicas), 1);
    } finally {
      await lab.stop();
    }
  }
});
