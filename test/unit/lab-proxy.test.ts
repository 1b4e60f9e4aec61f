// Tests of lost connections prove nothing when the proxy itself loses or reorders bytes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FaultProxy } from '../lab/proxy.ts';

let echo: Server;
let proxy: FaultProxy;

before(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await once(echo.listen(0, '127.0.0.1'), 'listening');
});

after(() => echo.close());

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, proxy.host);
  await once(socket, 'connect');
  socket.on('error', () => {});
  return socket;
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | 'silence'> {
  return Promise.race([promise, sleep(ms, 'silence' as const)]);
}

function withProxy(name: string, body: () => Promise<void>): void {
  test(name, async () => {
    proxy = await FaultProxy.start({ host: '127.0.0.1', port: (echo.address() as AddressInfo).port });
    try {
      await body();
    } finally {
      proxy.stop();
    }
  });
}

withProxy('passes everything on in order, also large amounts', async () => {
  const socket = await open();
  const sent = Buffer.alloc(20_000_000, 'abcdefghij');
  socket.end(sent);
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  await once(socket, 'end');
  assert.ok(Buffer.concat(parts).equals(sent));
  assert.equal(proxy.counts.toServer, sent.length);
  assert.equal(proxy.counts.toClient, sent.length);
});

withProxy('delays both directions', async () => {
  const socket = await open();
  proxy.setLatency(40);
  const startedMs = performance.now();
  socket.write('x');
  await once(socket, 'data');
  assert.ok(performance.now() - startedMs >= 75);
});

withProxy('freezes one direction and keeps what it holds', async () => {
  const socket = await open();
  proxy.freeze('toClient');
  socket.write('late');
  const answer = once(socket, 'data');
  assert.equal(await within(60, answer), 'silence');
  assert.equal(proxy.counts.toServer, 4);
  proxy.unfreeze();
  assert.equal(String((await answer)[0]), 'late');
});

withProxy('refuses new connections and takes them again on the same port', async () => {
  const socket = await open();
  proxy.refuse();
  await assert.rejects(open(), /ECONNREFUSED/);
  socket.write('still');
  assert.equal(String((await once(socket, 'data'))[0]), 'still');
  await proxy.accept();
  (await open()).destroy();
});

withProxy('resets after so many bytes, exactly', async () => {
  const socket = await open();
  proxy.reset(3, 'toClient');
  const failed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  let got = '';
  socket.on('data', (part) => {
    got += String(part);
  });
  socket.write('abcdef');
  await failed;
  assert.equal(got, 'abc');
  assert.equal(proxy.counts.resets, 1);
});
