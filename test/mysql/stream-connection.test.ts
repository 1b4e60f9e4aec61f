// The connection dies, stalls, or is paused; the server is replaced, or has thrown its binlogs away.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { Failure } from '../../src/base/errors.ts';
import { type Flavor, type Lab, type LabServer, runSql, startLab } from '../lab/lab.ts';
import { follow, type Running, runStream, stopLeftovers, until } from './stream-lab.ts';

const A = { schema: 't', name: 'a' };

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`stream connection of ${flavor}`, () => {
    let lab: Lab;
    before(async () => {
      lab = await startLab({ flavor, fast: true });
    });
    after(() => lab.stop());
    afterEach(stopLeftovers);

    async function start(ddl: string, options = {}, server: LabServer = lab.primary): Promise<Running> {
      return runStream(lab.primary, { ...options, connection: server }, async (stream, sql) => {
        await runSql(sql, `DROP TABLE IF EXISTS t.a; CREATE TABLE t.a (${ddl})`);
        await follow(stream, lab.primary, A);
        return undefined;
      });
    }

    for (const gtid of ['on', 'off'] as const) {
      test(`the dump thread is killed again and again under writes: nothing is lost (gtid ${gtid})`, async () => {
        const { sink, sql, marker, stream, stop } = await start('id INT AUTO_INCREMENT PRIMARY KEY, v INT', {
          gtid,
        });
        let writing = true;
        const writer = (async () => {
          const session = await lab.primary.connect();
          let rows = 0;
          for (; writing || rows < 600; rows += 3)
            await runSql(session, 'INSERT INTO t.a (v) VALUES (1),(2),(3)');
          await session.end();
          return rows;
        })();
        for (let kill = 0; kill < 5; kill++) {
          await until(() => stream.stats.connected, 'the connection');
          const reconnects = stream.stats.reconnects;
          await killDump(sql);
          await until(
            () => stream.stats.reconnects > reconnects && stream.stats.connected,
            'a new connection',
          );
        }
        writing = false;
        const rows = await writer;
        await marker.pass();
        assert.equal(new Set(sink.keys).size, rows);
        await stop();
      });
    }

    test('a paused stream under a flood: memory is bounded, and all comes on resume', async () => {
      const { sink, sql, marker, stream, stop } = await start(
        'id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(4000)',
      );
      await runSql(sql, "INSERT INTO t.a (v) VALUES (REPEAT('x',4000)),(REPEAT('y',4000))");
      await marker.pass();
      stream.pause();
      for (let i = 0; i < 14; i++) await runSql(sql, 'INSERT INTO t.a (v) SELECT v FROM t.a');
      const before = process.memoryUsage().rss;
      const bytes = stream.stats.bytes;
      await new Promise((resolve) => setTimeout(resolve, 2500));
      assert.equal(stream.stats.paused, true);
      assert.ok(stream.stats.bytes - bytes < 2_000_000, 'at most what was under way');
      assert.equal(stream.stats.reconnects, 0, 'the watchdog rests');
      // Now the receiver pauses every now and then, from within the delivery.
      let pauses = 0;
      sink.onTouch = () => {
        if (sink.touches.length % 1000 !== 0) return;
        pauses++;
        stream.pause();
        setTimeout(() => stream.resume(), 5);
      };
      stream.resume();
      await marker.pass();
      assert.equal(new Set(sink.keys).size, 2 << 14);
      assert.ok(pauses >= 30);
      assert.ok(process.memoryUsage().rss - before < 120e6, 'RSS');
      await stop();
    });

    test('a pause that outlasts the patience of the server heals by itself', async () => {
      const options = { netTimeoutSeconds: 1 };
      const { sink, sql, marker, stream, stop } = await start(
        'id INT AUTO_INCREMENT PRIMARY KEY, v LONGTEXT',
        options,
      );
      await runSql(sql, "INSERT INTO t.a (v) VALUES (REPEAT('x',1000000))");
      await marker.pass();
      stream.pause();
      for (let i = 0; i < 40; i++) await runSql(sql, "INSERT INTO t.a (v) VALUES (REPEAT('x',1000000))");
      await new Promise((resolve) => setTimeout(resolve, 4000));
      stream.resume();
      await marker.pass();
      assert.equal(new Set(sink.keys).size, 41);
      assert.ok(stream.stats.reconnects >= 1);
      await stop();
    });

    test('a half-open connection is noticed by its silence', async () => {
      const hole = await BlackHole.before(lab.primary);
      const server = { ...address(lab.primary), port: hole.port } as LabServer;
      const { sink, sql, marker, stream, stop } = await start(
        'id INT PRIMARY KEY',
        { heartbeatMs: 200 },
        server,
      );
      await runSql(sql, 'INSERT INTO t.a VALUES (1)');
      await marker.pass();
      await new Promise((resolve) => setTimeout(resolve, 1500));
      assert.equal(stream.stats.reconnects, 0, 'heartbeats keep an idle connection');
      hole.swallow();
      await runSql(sql, 'INSERT INTO t.a VALUES (2)');
      await until(() => stream.stats.reconnects > 0, 'the watchdog');
      await marker.pass();
      assert.ok(sink.touches.includes('+2'));
      await stop();
      hole.close();
    });

    test('a byte damaged on the way is found, and read again', async () => {
      const hole = await BlackHole.before(lab.primary);
      const server = { ...address(lab.primary), port: hole.port } as LabServer;
      const { sink, sql, marker, stream, stop } = await start(
        'id INT PRIMARY KEY, v VARCHAR(100)',
        {},
        server,
      );
      hole.damage('damaged');
      await runSql(sql, "INSERT INTO t.a VALUES (1, 'damaged')");
      await marker.pass();
      assert.equal(stream.stats.reconnects, 1);
      assert.deepEqual(sink.touches, ['+1']);
      await stop();
      hole.close();
    });

    test('purged binlogs, wrong passwords and missing grants end it with a hint', async () => {
      const first = await start('id INT PRIMARY KEY');
      await first.marker.pass();
      const old = first.sink.positions[0]!;
      await runSql(first.sql, 'FLUSH BINARY LOGS; INSERT INTO t.a VALUES (1); FLUSH BINARY LOGS');
      await first.marker.pass();
      await first.stop();
      const admin = await lab.primary.connect({ multipleStatements: true });
      // The server keeps files while a dump thread reads them, and notices late that ours has gone.
      for (let logs = await runSql(admin, 'SHOW BINARY LOGS'); logs.length > 1; ) {
        await runSql(admin, `PURGE BINARY LOGS TO '${Object.values(logs.at(-1)!)[0]}'`);
        await new Promise((resolve) => setTimeout(resolve, 100));
        logs = await runSql(admin, 'SHOW BINARY LOGS');
      }
      const purged = await runStream(lab.primary, {}, async (stream) => stream.parsePosition(String(old)));
      await until(() => purged.outcome() !== 'running', 'the end');
      const error = purged.outcome();
      assert.ok(error instanceof Failure && /purged/.test(error.hint ?? ''), String(error));

      await runSql(admin, "CREATE USER poor@'%' IDENTIFIED BY 'pw'; GRANT SELECT ON *.* TO poor@'%'");
      for (const password of ['pw', 'wrong']) {
        const connection = { ...address(lab.primary), user: 'poor', password };
        const poor = await runStream(lab.primary, { connection }, async (stream) =>
          stream.parsePosition(String(old)),
        );
        await until(() => poor.outcome() !== 'running', 'the end');
        const failure = poor.outcome();
        assert.ok(
          failure instanceof Failure && /[Gg]rant|password/.test(failure.hint ?? ''),
          String(failure),
        );
      }
      await admin.end();
    });

    test('a server that is gone for good ends it after the bound', async () => {
      const hole = await BlackHole.before(lab.primary);
      const server = { ...address(lab.primary), port: hole.port } as LabServer;
      const running = await start('id INT PRIMARY KEY', { maxReconnects: 2 }, server);
      hole.close();
      await until(() => running.outcome() !== 'running', 'the end');
      const error = running.outcome();
      assert.ok(error instanceof Failure && /after 2 attempts/.test(error.message), String(error));
    });

    test('the server crashes and comes back', async () => {
      const { sink, sql, stream, stop } = await start('id INT PRIMARY KEY', { maxReconnects: 30 });
      await runSql(sql, 'INSERT INTO t.a VALUES (1)');
      await until(() => sink.touches.includes('+1'), 'the first row');
      sql.on('error', () => {});
      await lab.primary.kill9();
      await lab.primary.restart();
      const again = await lab.primary.connect();
      await runSql(again, 'INSERT INTO t.a VALUES (2)');
      await until(() => sink.touches.includes('+2'), 'the row after the restart');
      assert.ok(stream.stats.reconnects > 0);
      await again.end();
      await stop();
    });
  });
}

function address({ host, port, user, password }: LabServer) {
  return { host, port, user, password };
}

async function killDump(sql: Running['sql']): Promise<void> {
  const rows = await runSql(
    sql,
    "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'",
  );
  for (const row of rows) await runSql(sql, `KILL ${Object.values(row)[0]}`).catch(() => undefined);
}

/** A proxy that can swallow what flows, or turn over a bit of it. */
class BlackHole {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #swallowed = new Set<net.Socket>();
  #damage: string | null = null;
  port = 0;

  private constructor(target: LabServer) {
    this.#server = net.createServer((client) => {
      const server = net.connect(target.port, target.host);
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          client.destroy();
          server.destroy();
        });
      }
      client.on('data', (chunk) => server.write(chunk));
      server.on('data', (chunk) => {
        if (!this.#swallowed.has(client)) client.write(this.#damaged(chunk));
      });
      client.once('data', () => {});
    });
  }

  static async before(target: LabServer): Promise<BlackHole> {
    const hole = new BlackHole(target);
    await new Promise<void>((resolve) => hole.#server.listen(0, '127.0.0.1', resolve));
    hole.port = (hole.#server.address() as net.AddressInfo).port;
    return hole;
  }

  /** What the connections of now bring is lost; new ones work. */
  swallow(): void {
    for (const socket of this.#sockets) this.#swallowed.add(socket);
  }

  /** Damages the next chunk that has this text in it, once. */
  damage(text: string): void {
    this.#damage = text;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #damaged(chunk: Buffer): Buffer {
    const at = this.#damage === null ? -1 : chunk.indexOf(this.#damage);
    if (at < 0) return chunk;
    this.#damage = null;
    chunk[at]! ^= 1;
    return chunk;
  }
}
