// Known defects of gh-ost whose spelling is kept and whose effect is not, where no other test of the surface shows it on a real
// server (the rest of docs/compatibility.md's "better" is tested beside the flag, command or hook that it is about).
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { DB, hasColumn, migrationArguments, prepare, start, startRun, until } from '../fault/fault-lab.ts';
import { startCli } from '../lab/children.ts';
import { type Lab, runSql } from '../lab/lab.ts';
import { freePort } from './surface-lab.ts';

/** An address of this machine that others could reach. */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((each) => each && !each.internal && each.family === 'IPv4')?.address;

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`better than gh-ost on ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    const folder = mkdtempSync(join(tmpdir(), 'pg-better-'));
    const flag = join(folder, 'postpone');
    before(async () => {
      lab = await start({ flavor });
      sql = await lab.primary.connect();
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    beforeEach(async () => {
      rmSync(flag, { force: true });
      await prepare(sql);
    });
    const status = async (name: string): Promise<number> =>
      Number((await runSql(sql, `SHOW GLOBAL STATUS LIKE '${name}'`))[0]?.Value);

    test('unpostpone stays in force until a cut-over succeeds: an attempt that fails is no new postponement', async () => {
      const cli = startCli(
        migrationArguments(lab.primary, 'extra', [
          ...[
            '--postpone-cut-over-flag-file',
            flag,
            '--serve-socket-file',
            join(folder, 'sock'),
            '--verbose',
          ],
          ...['--cut-over-lock-timeout-seconds=1', '--verify=off'],
        ]),
      );
      const reader = await lab.primary.connect();
      try {
        await cli.waitForLine(/State: postponing cut-over/, 30_000);
        // Whoever reads the ghost keeps the RENAME from it, and is not looked for before the lock.
        await runSql(reader, 'BEGIN');
        await runSql(reader, `SELECT COUNT(*) FROM ${DB}._items_gho`);
        const told = startCli(['ctl', '--socket', join(folder, 'sock'), 'unpostpone']);
        assert.equal((await told.exit).code, 0, told.stderr);
        await cli.waitForLine(/cut-over attempt failed/, 30_000);
        await runSql(reader, 'COMMIT');
        assert.equal((await cli.exit).code, 0, cli.stderr);
        assert.ok(existsSync(flag), 'the flag file is the operator’s');
        assert.ok(await hasColumn(sql, 'extra'));
      } finally {
        reader.destroy();
        cli.kill('SIGKILL');
      }
    });

    test('--default-retries: what cannot succeed by being tried again is tried once', async () => {
      await runSql(sql, `UPDATE ${DB}.items SET hits = 1000 WHERE id = 7`);
      const before = await status('Com_insert_select');
      const more = ['--default-retries=1000', '--alter=MODIFY hits TINYINT NOT NULL'];
      const error = await startRun(lab.primary, { extra: more }).ended;
      assert.match(error?.message ?? '', /id=7/);
      // The statement, and the few that look for the row which it was.
      assert.ok((await status('Com_insert_select')) - before < 20, 'it was tried again and again');
    });

    test('--attempt-instant-ddl: no table is made before it', async () => {
      const before = await status('Com_create_table');
      const more = ['--attempt-instant-ddl', '--alter=ADD COLUMN late INT'];
      assert.equal(await startRun(lab.primary, { extra: more }).ended, undefined);
      assert.ok(await hasColumn(sql, 'late'));
      assert.equal(await status('Com_create_table'), before);
    });

    const skip = outside === undefined ? 'this machine has no address but its own' : false;
    test('--serve-tcp-port: only this machine can reach it, unless another address is given', {
      skip,
    }, async () => {
      const port = await freePort();
      const cli = startCli(
        migrationArguments(lab.primary, 'other', [
          ...['--postpone-cut-over-flag-file', flag, '--serve-socket-file', join(folder, 'sock')],
          ...['--serve-tcp-port', String(port)],
        ]),
      );
      try {
        await cli.waitForLine(/State: postponing cut-over/, 30_000);
        const reaches = (host: string): Promise<boolean> =>
          new Promise((resolve) => {
            const client = connect({ host, port }, () => resolve(true)).on('error', () => resolve(false));
            client.on('connect', () => client.destroy());
          });
        assert.equal(await reaches('127.0.0.1'), true);
        assert.equal(await reaches(outside!), false);
        rmSync(flag);
        await until(async () => await hasColumn(sql, 'other'), 'the cut-over');
        assert.equal((await cli.exit).code, 0, cli.stderr);
      } finally {
        cli.kill('SIGKILL');
      }
    });
  });
}
