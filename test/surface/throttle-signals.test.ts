// A runbook's throttles, each on a real server: the copy rests for the reason that is said, goes on when it is gone, and the
// threshold can be changed meanwhile.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { Abandoned, UsageError } from '../../src/base/errors.ts';
import { DB, hasColumn, prepare, type Run, start, startRun, tablesOf, until } from '../fault/fault-lab.ts';
import { type Flavor, type Lab, runSql } from '../lab/lab.ts';

const throttled = (run: Run): string => run.migrator.snapshot().throttled ?? '';

for (const flavor of ['mysql', 'mariadb'] as const satisfies readonly Flavor[]) {
  describe(`throttling on ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    before(async () => {
      lab = await start({ flavor });
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
    });

    /** Waits until the run rests for this reason, and sees that nothing is copied. */
    async function rests(run: Run, reason: RegExp): Promise<void> {
      await until(
        () => run.migrator.snapshot().phase === 'copying' && reason.test(throttled(run)),
        String(reason),
      );
      assert.equal(run.migrator.snapshot().rowsCopied, 0, 'something was copied');
    }

    async function ends(run: Run): Promise<void> {
      assert.equal(await run.ended, undefined);
      assert.ok(await hasColumn(sql, 'extra'));
    }

    test('--max-load: rests at its value, and goes on when it is raised', async () => {
      await prepare(sql);
      const run = startRun(lab.primary, { extra: ['--max-load', 'Threads_connected=1,uptime=4000000000'] });
      await rests(run, /^max-load Threads_connected=\d+ >= 1$/);
      run.migrator.settings.maxLoad = new Map([['no_such_variable', 1]]);
      await rests(run, /^max-load unreadable: the server has no status variable no_such_variable$/);
      run.migrator.settings.maxLoad = new Map([['Threads_connected', 4000]]);
      await ends(run);
    });

    test('--max-load with a variable that the server does not have is refused before anything is touched', async () => {
      await prepare(sql);
      const run = startRun(lab.primary, { extra: ['--max-load', 'Threads_runing=25'] });
      const error = await run.ended;
      assert.ok(error instanceof UsageError, String(error));
      assert.match(error.message, /no status variable Threads_runing/);
      assert.deepEqual(await tablesOf(sql), ['items']);
    });

    test('--critical-load abandons the run, and --resume goes on with what is there', async () => {
      await prepare(sql);
      const run = startRun(lab.primary, {
        extra: ['--throttle-query', 'SELECT 1', '--critical-load-interval-millis', '50'],
      });
      await rests(run, /^throttle-query 1 > 0$/);
      run.migrator.settings.criticalLoad = new Map([['Threads_connected', 1]]);
      const error = await run.ended;
      assert.ok(error instanceof Abandoned, String(error));
      assert.match(error.message, /^critical-load Threads_connected=\d+ >= 1: the migration is abandoned$/);
      assert.match(error.hint ?? '', /--resume/);
      assert.deepEqual(await tablesOf(sql), ['_items_ghc', '_items_ghk', '_items_gho', 'items']);
      await ends(startRun(lab.primary, { extra: ['--resume'] }));
    });

    test('--critical-load-hibernate-seconds: rests instead, and looks again before it goes on', async () => {
      await prepare(sql);
      const run = startRun(lab.primary, {
        extra: ['--critical-load', 'Threads_connected=1', '--critical-load-hibernate-seconds', '1'],
      });
      await rests(run, /^critical-load-hibernate until \d{4}-/);
      run.migrator.settings.criticalLoad = new Map();
      await ends(run);
      assert.ok(run.lines.some((line) => line.includes('leaving hibernation')));
    });

    test('--throttle-query: rests above 0, and also while it fails, which gh-ost ignores', async () => {
      await prepare(sql);
      await runSql(sql, `CREATE TABLE ${DB}.pause (n INT)`);
      await runSql(sql, `INSERT INTO ${DB}.pause VALUES (2)`);
      const query = `SELECT n FROM ${DB}.pause`;
      const run = startRun(lab.primary, { extra: ['--throttle-query', query] });
      await rests(run, /^throttle-query 2 > 0$/);
      await runSql(sql, `RENAME TABLE ${DB}.pause TO ${DB}.other`);
      await rests(run, /^throttle-query unreadable: .*pause/);
      await runSql(sql, `UPDATE ${DB}.other SET n = 0`);
      await runSql(sql, `RENAME TABLE ${DB}.other TO ${DB}.pause`);
      await ends(run);
    });

    test('--throttle-http: rests until 200, and while nobody answers', async () => {
      await prepare(sql);
      let status = 503;
      const service = createServer((_, response) => response.writeHead(status).end());
      await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
      try {
        const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/check`;
        const run = startRun(lab.primary, {
          extra: ['--throttle-http', url, '--throttle-http-interval-millis', '20'],
        });
        await rests(run, /^throttle-http http=503 != 200$/);
        run.migrator.settings.throttleHttp = 'http://127.0.0.1:1/';
        await rests(run, /^throttle-http unreadable: .*ECONNREFUSED/);
        run.migrator.settings.throttleHttp = url;
        status = 200;
        await ends(run);
      } finally {
        service.close();
      }
    });

    test('--nice-ratio: sleeps after each chunk, and can be told to hurry', async () => {
      await prepare(sql);
      const run = startRun(lab.primary, {
        extra: ['--nice-ratio', '100', '--chunk-size', '10', '--concurrency', '1'],
      });
      await until(() => run.migrator.snapshot().rowsCopied > 0, 'a first chunk');
      const before = run.migrator.snapshot();
      assert.equal(before.throttled, null);
      await sleep(300);
      const after = run.migrator.snapshot();
      assert.ok(!after.copyComplete && after.rowsCopied - before.rowsCopied <= 200, 'it did not sleep');
      run.migrator.settings.niceRatio = 0;
      await ends(run);
    });

    test('the number of workers adapts, and --concurrency fixes it', async () => {
      await prepare(sql);
      const run = startRun(lab.primary, { extra: ['--throttle-query', 'SELECT 1'] });
      await rests(run, /^throttle-query/);
      assert.deepEqual([run.migrator.snapshot().workers, run.migrator.snapshot().workersFixed], [2, false]);
      run.migrator.settings.throttleQuery = '';
      await ends(run);
      await prepare(sql);
      const fixed = startRun(lab.primary, { extra: ['--concurrency', '5'] });
      await ends(fixed);
      assert.deepEqual(
        [fixed.migrator.snapshot().workers, fixed.migrator.snapshot().workersFixed],
        [5, true],
      );
    });

    test('--ignore-http-errors: a service that is not there throttles nothing', async () => {
      await prepare(sql);
      await ends(
        startRun(lab.primary, { extra: ['--throttle-http', 'http://127.0.0.1:1/', '--ignore-http-errors'] }),
      );
    });
  });
}
