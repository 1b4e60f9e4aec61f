// What is refused is refused for all that is wrong at once, in a plan and in a run, by the account that would have to do it; and
// nothing stays of it, no table and no flag file. A veto hook that would silently not be run is wrong usage.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { DB, prepare, start, tablesOf } from '../fault/fault-lab.ts';
import { startCli } from '../lab/children.ts';
import { type Lab, runSql } from '../lab/lab.ts';

for (const flavor of ['mysql', 'mariadb'] as const) {
  describe(`refused on ${flavor}`, () => {
    let lab: Lab;
    let sql: Connection;
    let folder: string;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'pg-refused-'));
      lab = await start({ flavor });
      sql = await lab.primary.connect();
      await prepare(sql);
      await runSql(sql, `CREATE TABLE ${DB}.parent (id INT PRIMARY KEY)`);
      await runSql(sql, `CREATE TABLE ${DB}._items_gho (id INT PRIMARY KEY)`);
      await runSql(
        sql,
        `ALTER TABLE ${DB}.items ADD COLUMN p INT, ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES ${DB}.parent (id)`,
      );
      await runSql(sql, `CREATE TRIGGER ${DB}.tr AFTER DELETE ON ${DB}.items FOR EACH ROW SET @x = 1`);
      await runSql(sql, "CREATE USER little IDENTIFIED BY 'little-password'");
      await runSql(sql, `GRANT SELECT, CREATE, ALTER, DROP, TRIGGER ON ${DB}.* TO little`);
    });
    after(async () => {
      await sql?.end();
      await lab?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const stays = ['_items_gho', 'items', 'parent'];
    const run = async (alter: string, ...more: string[]) => {
      const { host, port, user, password } = lab.primary;
      const child = startCli([
        ...['--host', host, '--port', String(port), '--user', user, '--password', password],
        ...['--database', DB, '--table', 'items', '--alter', alter],
        ...['--serve-socket-file', join(folder, 'sock'), ...more],
      ]);
      const { code } = await child.exit;
      assert.equal(code, 2, child.stderr);
      const left = (await tablesOf(sql)).filter((name) => name !== 'keyless');
      assert.deepEqual(left, stays, 'something was left');
      assert.deepEqual(await runSql(sql, `SHOW TRIGGERS FROM ${DB} WHERE \`Trigger\` <> 'tr'`), []);
      return child;
    };
    const codes = (stderr: string): string[] =>
      [...stderr.matchAll(/ FATAL .* refusal=(\S+)/g)].map(([, code]) => code!);
    const all = ['allow-on-master', 'foreign-key-child', 'triggers', 'ghost-exists'];
    const losesKey = 'MODIFY id INT, DROP PRIMARY KEY, ADD INDEX (hits)';

    test('a plan names all blockers, with hints, and no plan comes of it', async () => {
      const { stdout, stderr } = await run(losesKey);
      assert.deepEqual(codes(stderr), [...all, 'no-shared-key']);
      assert.match(stderr, /^.* FATAL .* is a primary: /, 'what was refused first is told first');
      assert.match(stdout, /^# No plan for `fault`\.`items` on \S+:\d+ \(.*\): 5 blockers$/m);
      for (const code of [...all, 'no-shared-key'])
        assert.match(stdout, new RegExp(`^#   blocker:         ${code}: .*\\n#     hint:          `, 'm'));
      assert.match(stdout, /^# {3}rows: +about \d+/m);
      assert.match(stdout, /no shared unique key can be found after ALTER! Bailing out/);
      assert.doesNotMatch(stdout, /# Done/);
    });

    test('so does a run, which touches nothing, and leaves no postpone flag file', async () => {
      const flag = join(folder, 'flag');
      const { stdout, stderr } = await run(losesKey, '--execute', '--postpone-cut-over-flag-file', flag);
      assert.deepEqual(codes(stderr), [...all, 'no-shared-key']);
      assert.equal(stderr.match(/^hint: /gm)?.length, 5);
      assert.doesNotMatch(stdout, /# No plan|# Plan/);
      assert.equal(existsSync(flag), false, 'the flag file was left');
    });

    test('what the server says of the ALTER is among them; an ALTER that is refused by its text is not tried', async () => {
      const server = await run('ADD COLUMN body INT');
      assert.deepEqual(codes(server.stderr), [...all, 'alter']);
      const text = await run('RENAME TO elsewhere, CHANGE body words TEXT');
      assert.deepEqual(codes(text.stderr), [
        ...['allow-on-master', 'foreign-key-child', 'triggers', 'table-rename', 'renamed-columns'],
        'ghost-exists',
      ]);
    });

    test('what the account lacks is among them', async () => {
      const { stdout, stderr } = await run(losesKey, '--user=little', '--password=little-password');
      assert.deepEqual(codes(stderr), [...all, 'privileges', 'no-shared-key']);
      assert.match(stdout, /blocker: +privileges: The account .* lacks .*LOCK TABLES/);
      assert.match(stdout, /^# {3}warning: +the account lacks PROCESS: /m);
      assert.doesNotMatch(stdout, /warning: +the account lacks LOCK TABLES/);
    });

    test('with only the new table to blame it is the same', async () => {
      const good = ['--allow-on-master', '--discard-foreign-keys', '--force-table-names=other'];
      const triggers = ['--include-triggers', '--trigger-suffix=_new'];
      const { stdout, stderr } = await run(
        'MODIFY id INT, DROP PRIMARY KEY, ADD COLUMN at DATETIME, DROP COLUMN body',
        ...good,
        ...triggers,
        '--allow-lossy=nothing',
      );
      assert.deepEqual(codes(stderr), ['no-shared-key']);
      assert.match(stdout, /^# No plan for .*: 1 blockers?$/m);
    });

    test('a table that the server would not make again (no twin of it) is refused among the others, and the probe goes', async () => {
      const variable = flavor === 'mysql' ? 'sql_require_primary_key' : 'innodb_force_primary_key';
      await runSql(sql, `CREATE TABLE ${DB}.keyless (id INT, UNIQUE KEY (id))`);
      await runSql(sql, `SET GLOBAL ${variable} = ON`);
      try {
        for (const how of [[], ['--execute']]) {
          const flags = ['--table=keyless', '--allow-nullable-unique-key', ...how];
          const { stderr } = await run('ADD COLUMN x INT', ...flags, '--allow-on-master');
          assert.match(
            stderr,
            /FATAL the server does not make an empty table like `fault`.`keyless`: .*primary key.* refusal=table-like.*\n.*hint: The original/i,
          );
          const two = await run('ADD COLUMN x INT', ...flags);
          assert.deepEqual(codes(two.stderr), ['allow-on-master', 'table-like']);
        }
      } finally {
        await runSql(sql, `SET GLOBAL ${variable} = OFF`);
        await runSql(sql, `DROP TABLE ${DB}.keyless`);
      }
    });

    test('no such table: all that can be said is said', async () => {
      const { stdout, stderr } = await run('ADD COLUMN x INT', '--table=nothing');
      assert.deepEqual(codes(stderr), ['allow-on-master', 'not-found']);
      assert.match(stdout, /^# No plan for `fault`\.`nothing`: 2 blockers$/m);
    });

    test('--hooks-path that is no folder is wrong usage, and the server is not even asked', async () => {
      const { stdout, stderr } = await run('ADD COLUMN x INT', '--hooks-path=/no/such/folder', '--port=1');
      assert.match(stderr, / FATAL --hooks-path cannot be read: .*\/no\/such\/folder.*Nothing was touched/);
      assert.equal(stdout, '');
    });
  });
}
