// An estimate that is off by half makes every ETA a lie. A count takes as long as it takes, and holds the table: it must never
// stand in the way of the cut-over.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { systemClock } from '../../src/base/clock.ts';
import type { Moment } from '../../src/core/moments.ts';
import { RowCount, type RowCounting } from '../../src/migrator/row-count.ts';
import { liveSettings } from '../../src/ops/live-settings.ts';
import { migrationConfig } from '../../src/ops/migration-config.ts';
import { parseOptions } from '../../src/ops/parse-options.ts';
import { targetOf } from '../../src/ops/target.ts';
import { migrationArguments, prepare, start, startRun, until } from '../fault/fault-lab.ts';
import { type Lab, runSql } from '../lab/lab.ts';

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`row count on ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    let folder: string;
    let pause: string;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'pg-count-'));
      pause = join(folder, 'pause');
      lab = await start({ flavor });
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    beforeEach(async () => {
      await prepare(sql);
      writeFileSync(pause, '');
    });
    const counting = (): Promise<boolean> =>
      runSql(sql, 'SHOW FULL PROCESSLIST').then((rows) =>
        rows.some(({ Info }) => /SELECT COUNT/.test(String(Info))),
      );

    test('counted beside the copy; rows that come and go afterwards are added and taken off', async () => {
      const run = startRun(lab.primary, { extra: ['--exact-rowcount', '--throttle-flag-file', pause] });
      await until(
        () => run.lines.some((line) => /the rows are counted {"rows":300}/.test(line)),
        'the count',
      );
      await runSql(sql, "INSERT INTO fault.items (body, hits) VALUES ('a', 0), ('b', 0), ('c', 0)");
      await runSql(sql, 'DELETE FROM fault.items WHERE id = 1');
      await runSql(sql, 'UPDATE fault.items SET hits = 1 WHERE id < 50');
      await until(() => run.migrator.snapshot().rowsEstimate === 302, 'the estimate to follow');
      rmSync(pause);
      assert.equal(await run.ended, undefined);
      assert.equal(run.migrator.snapshot().rowsCopied, 302);
    });

    /** A count alone, while `hold` keeps it waiting. */
    const held = async (how: RowCounting) => {
      const options = parseOptions(migrationArguments(lab.primary, 'extra', []), {});
      const target = targetOf(options);
      const extras = { password: options.password, target, socketFile: '', wallMs: 0 };
      const moments: Moment[] = [];
      const count = new RowCount({
        config: { ...migrationConfig(options, extras), rowCounting: how },
        ...{ settings: liveSettings(options), clock: systemClock, print: () => undefined },
        log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
        moments: { reach: async (moment) => void moments.push(moment) },
      });
      const holder = await lab.primary.connect();
      await runSql(holder, 'LOCK TABLES fault.items WRITE');
      const done = count.run(target, () => 0, new AbortController().signal);
      await until(counting, 'the count');
      return { count, moments, done, release: () => holder.end() };
    };

    test('counted before the copy: it is waited for, and the hook is told', async () => {
      const { count, moments, done, release } = await held('before');
      assert.deepEqual([count.waitedFor, count.rows, moments], [true, null, []]);
      await release();
      await done;
      assert.deepEqual([count.waitedFor, count.rows, moments], [false, 300, ['rowcount-complete']]);
    });

    test('a count that is not over when it is time to cut over is ended on the server', async () => {
      const { count, moments, done, release } = await held('beside');
      await done;
      assert.equal(count.waitedFor, false);
      await count.stop();
      await until(async () => !(await counting()), 'the end of the count');
      assert.deepEqual([count.rows, moments], [null, []]);
      await release();
    });
  });
}
