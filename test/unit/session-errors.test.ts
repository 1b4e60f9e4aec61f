// A wrong class of error is a wrong retry: either a migration dies of a deadlock, or a commit is done twice.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import type { Clock } from '../../src/base/clock.ts';
import { ConnectionOptions } from '../../src/mysql/connection-options.ts';
import { dataProfile, profileSql } from '../../src/mysql/profile.ts';
import { backOffMs, retry } from '../../src/mysql/retry.ts';
import { classify, duplicateOf, isTransient, ServerError } from '../../src/mysql/server-error.ts';
import { mayCommit, sessionError, shortened } from '../../src/mysql/session-error.ts';

function serverError(errno: number, message = 'no'): ServerError {
  return new ServerError(Object.assign(new Error(message), { errno }), 'session test: SELECT 1');
}

test('who may not in is told what to look at', () => {
  assert.match(serverError(1045).hint ?? '', /--user, --password/);
  assert.equal(serverError(1062).hint, undefined);
});

/** A clock that only notes how long it was told to sleep. */
function noteClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    nowMs: () => 0,
    wallMs: () => 0,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      slept.push(ms);
    },
  };
}

describe('kinds of errors', () => {
  const cases: readonly [number, string, boolean][] = [
    [1062, 'duplicate', false],
    [1586, 'duplicate', false],
    [1205, 'lock-timeout', true],
    [1213, 'deadlock', true],
    [1020, 'deadlock', true],
    [2013, 'connection', true],
    [1317, 'killed', false],
    [1040, 'busy', true],
    [1836, 'read-only', false],
    [1114, 'disk-full', false],
    [1142, 'privilege', false],
    [1406, 'data', false],
    [3819, 'data', false],
    [4025, 'data', false],
    [1146, 'missing', false],
    [1153, 'packet', false],
    [3170, 'range-memory', false],
    [9999, 'other', false],
  ];
  for (const [errno, kind, transient] of cases) {
    test(`${errno} is ${kind}`, () => {
      assert.equal(classify(serverError(errno)), kind);
      assert.equal(isTransient(serverError(errno).kind), transient);
    });
  }

  test('1290 is a matter of failover only when it is about read_only', () => {
    assert.equal(classify(serverError(1290, 'running with the --read-only option')), 'read-only');
    assert.equal(classify(serverError(1290, 'running with the --super-read-only option')), 'read-only');
    assert.equal(classify(serverError(1290, 'running with the --secure-file-priv option')), 'unsupported');
  });

  test('errors of the network, and things that are no errors', () => {
    assert.equal(classify(Object.assign(new Error(''), { code: 'ECONNRESET', errno: -104 })), 'connection');
    assert.equal(classify(sessionError('s', 'connection-lost', 'gone', null, false)), 'connection');
    assert.equal(classify(undefined), 'other');
    assert.equal(classify('text'), 'other');
  });
});

describe('duplicates', () => {
  const of = (message: string): unknown => duplicateOf(serverError(1062, message), 'a.b');

  test('the table in front of the key is taken away, and no more than that', () => {
    assert.deepEqual(of("Duplicate entry '1' for key 'a.b.k.2'"), { entry: '1', key: 'k.2' });
    assert.deepEqual(of("Duplicate entry '1' for key 'k.2'"), { entry: '1', key: 'k.2' });
  });

  test('the entry may look like the message itself', () => {
    assert.deepEqual(of("Duplicate entry 'x' for key 'y\nz' for key 'a.b.u'"), {
      entry: "x' for key 'y\nz",
      key: 'u',
    });
    assert.equal(of("Can't write; duplicate key in table 'x'"), null);
  });
});

describe('statements in messages', () => {
  test('are cut to one line and carry no passwords', () => {
    assert.equal(shortened('SELECT\n  1'), 'SELECT 1');
    assert.ok(shortened(`SELECT '${'x'.repeat(1e6)}'`).length < 200);
    for (const sql of [
      "CREATE USER a IDENTIFIED BY 'geheim'",
      "ALTER USER a IDENTIFIED WITH x AS 'geheim'",
      "SET PASSWORD = 'geheim'",
      "CREATE TABLE t (id INT) ENGINE=FEDERATED CONNECTION='mysql://u:geheim@h/d/t'",
    ]) {
      assert.doesNotMatch(shortened(sql), /geheim/);
    }
  });

  test('what may have committed without an answer', () => {
    assert.equal(mayCommit('INSERT INTO t VALUES (1)', false), true);
    assert.equal(mayCommit('INSERT INTO t VALUES (1)', true), false);
    assert.equal(mayCommit('COMMIT', true), true);
    assert.equal(mayCommit('ALTER TABLE t ADD x INT', true), true);
    assert.equal(mayCommit('RENAME TABLE a TO b', false), true);
    assert.equal(mayCommit('  SELECT 1', false), false);
  });

  test('options print without the password', () => {
    const options = new ConnectionOptions({
      host: 'h',
      port: 1,
      user: 'u',
      password: 'geheim',
      ssl: { rejectUnauthorized: true, key: 'geheim' },
      connectTimeoutMs: 1,
    });
    assert.doesNotMatch(JSON.stringify(options) + inspect(options, { depth: 9 }) + String(options), /geheim/);
    assert.equal(options.with({ host: 'replica' }).password, 'geheim');
    assert.equal(options.with({ host: 'replica' }).ssl?.rejectUnauthorized, true);
  });
});

describe('retry', () => {
  const bounds = { attempts: 4, baseDelayMs: 10, maxDelayMs: 25, jitter: 0 };

  test('backs off within bounds and gives up with the last error', async () => {
    const clock = noteClock();
    let tries = 0;
    const work = (): Promise<never> => Promise.reject(serverError(1213, String(++tries)));
    await assert.rejects(retry(work, { ...bounds, clock }), /^ServerError: 4 /);
    assert.deepEqual(clock.slept, [10, 20, 25]);
  });

  test('retries only what is worth it', async () => {
    const clock = noteClock();
    const never = [
      serverError(1062),
      serverError(1317),
      sessionError('s', 'aborted', 'stop', 'SELECT 1', false),
      sessionError('s', 'connection-lost', 'gone', 'COMMIT', true),
    ];
    for (const error of never) {
      let tries = 0;
      const work = (): Promise<never> => {
        tries++;
        return Promise.reject(error);
      };
      await assert.rejects(retry(work, { ...bounds, clock }), error);
      assert.equal(tries, 1);
    }
    let tries = 0;
    const idempotent = async (): Promise<string> => {
      if (++tries < 3) throw sessionError('s', 'connection-lost', 'gone', 'COMMIT', true);
      return 'done';
    };
    assert.equal(await retry(idempotent, { ...bounds, clock, idempotent: true }), 'done');
  });

  test('an abort ends it during a wait', async () => {
    const controller = new AbortController();
    const work = (): Promise<never> => {
      controller.abort(new Error('enough'));
      return Promise.reject(serverError(1213));
    };
    await assert.rejects(retry(work, { ...bounds, clock: noteClock(), signal: controller.signal }), /./);
  });

  test('jitter only shortens', () => {
    for (const random of [0, 0.5, 1]) {
      const delay = backOffMs(3, { baseDelayMs: 10, maxDelayMs: 1000, jitter: 0.5, random: () => random });
      assert.equal(delay, 40 * (1 - 0.5 * random));
    }
    assert.equal(backOffMs(5000, { baseDelayMs: 10, maxDelayMs: 99, jitter: 0 }), 99);
  });
});

describe('profile', () => {
  test('sets what is there, in one statement', () => {
    const mariadb = profileSql(dataProfile, new Map([['tx_isolation', 'X']]));
    assert.match(mariadb, /SESSION tx_isolation='READ-COMMITTED'/);
    assert.doesNotMatch(mariadb, /transaction_isolation|range_optimizer|max_execution_time/);
    const mysql = profileSql(
      dataProfile,
      new Map(['transaction_isolation', 'tx_isolation', 'range_optimizer_max_mem_size'].map((n) => [n, ''])),
    );
    assert.match(mysql, /SESSION transaction_isolation='READ-COMMITTED'/);
    assert.match(mysql, /range_optimizer_max_mem_size=0/);
    assert.doesNotMatch(mysql, /tx_isolation/);
  });
});
