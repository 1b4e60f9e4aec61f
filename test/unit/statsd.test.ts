// Figures are for dashboards: none of it may hold up or end a run, whatever becomes of the server that they are sent to.
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { meteredStore } from '../../src/core/meter.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import type { GhostStore } from '../../src/core/store.ts';
import { parseOptions } from '../../src/ops/parse-options.ts';
import { type Statsd, statsdOf } from '../../src/ops/statsd.ts';
import { snapshotOf } from './status-snapshot.ts';

const folder = mkdtempSync(join(tmpdir(), 'pg-statsd-'));
after(() => rmSync(folder, { recursive: true }));

function statsd(snapshot: () => Snapshot, ...argv: string[]): { figures: Statsd; warnings: string[] } {
  const warnings: string[] = [];
  const options = parseOptions(['--alter=ADD x INT', ...argv], {});
  const warn = (message: string): void => void warnings.push(message);
  return { figures: statsdOf(options, { clock: systemClock, snapshot, warn })!, warnings };
}

/** Runs until `enough`. */
async function runUntil(figures: Statsd, enough: () => boolean): Promise<void> {
  const controller = new AbortController();
  const running = figures.run(controller.signal);
  while (!enough()) await systemClock.sleep(10);
  controller.abort();
  await running;
}

async function udpServer(): Promise<{ socket: Socket; port: number; lines: string[] }> {
  const socket = createSocket('udp4');
  const lines: string[] = [];
  socket.on('message', (packet) => {
    assert.ok(packet.length <= 1400);
    lines.push(...packet.toString().trimEnd().split('\n'));
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { socket, port: socket.address().port, lines };
}

test('gauges, timings and tags by UDP; a time of rest is told when it is over', async () => {
  const { socket, port, lines } = await udpServer();
  let throttled: string | null = 'flag-file';
  let elapsedMs = 1000;
  const tags = ['--statsd-tags=team:db', '--statsd-tags', 'a:b,env:live'];
  const address = `--statsd-addr=127.0.0.1:${port}`;
  const { figures } = statsd(
    () => snapshotOf({ throttled, elapsedMs }),
    address,
    '--runtime-metrics-interval=1',
    ...tags,
  );
  const store = { copy: async () => 7 } as Partial<GhostStore> as GhostStore;
  const metered = meteredStore(store, figures, systemClock);
  assert.equal(await metered.copy(null as never, 'beside', null as never), 7);
  await runUntil(figures, () => {
    if (lines.length > 0) [throttled, elapsedMs] = [null, 4500];
    return (
      lines.some((line) => line.includes('throttle_ms')) && lines.some((line) => line.includes('rss_bytes'))
    );
  });
  const all = '|#team:db,a:b,env:live';
  assert.ok(lines.includes(`poltergeist.progress_percent:25|g${all}`), lines.join('\n'));
  assert.ok(lines.includes(`poltergeist.throttled:1|g${all}`));
  assert.ok(lines.includes(`poltergeist.throttled:0|g${all}`));
  assert.ok(lines.includes(`poltergeist.throttle_ms:3500.000|ms${all}`));
  assert.ok(
    lines.some((line) => /^poltergeist\.query_ms:[\d.]+\|ms\|#team:db,a:b,env:live,query:copy$/.test(line)),
  );
  assert.ok(lines.some((line) => /^poltergeist\.runtime\.event_loop_delay_max_ms:[\d.]+\|g/.test(line)));
  socket.close();
});

test('a unix stream socket, each packet with its length before it', async () => {
  const path = join(folder, 'statsd.sock');
  let bytes = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk as Buffer]);
    });
  }).listen(path);
  await once(server, 'listening');
  const { figures } = statsd(() => snapshotOf(), `--statsd-addr=unix://${path}`);
  await runUntil(figures, () => bytes.length > 4);
  const length = bytes.readUInt32LE(0);
  assert.match(bytes.subarray(4, 4 + length).toString(), /^poltergeist\.progress_percent:25\|g\n/);
  server.close();
});

test('a server that is away is told of once, and nothing is waited for', async () => {
  for (const address of [join(folder, 'none.sock'), 'no.such.host.invalid:8125']) {
    const { figures, warnings } = statsd(() => snapshotOf(), `--statsd-addr=${address}`);
    for (let i = 0; i < 5000; i++) figures.timing('query', 1, { query: 'copy' });
    await runUntil(figures, () => warnings.length > 0);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /^--statsd-addr .*; figures are dropped while this lasts$/);
  }
});

test('addresses and tags that are none are refused', () => {
  assert.throws(() => statsd(() => snapshotOf(), '--statsd-addr=nowhere'), /is host:port or the path/);
  assert.throws(() => statsd(() => snapshotOf(), '--statsd-tags=plain'), /is key:value, not "plain"/);
  assert.equal(statsd(() => snapshotOf()).figures, undefined);
});
