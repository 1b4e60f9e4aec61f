import assert from 'node:assert/strict';
import { existsSync, linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { UsageError } from '../../src/base/errors.ts';
import { ControlServer, type TcpEndpoint } from '../../src/ops/control.ts';
import { defaultSocketFile } from '../../src/ops/socket-file.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'poltergeist-control-'));
after(() => rmSync(folder, { recursive: true }));
let sockets = 0;
const newPath = (): string => join(folder, `${++sockets}.sock`);

interface Options {
  path?: string;
  dropFile?: boolean;
  tcp?: TcpEndpoint;
  clock?: VirtualClock;
  respond?: (line: string) => Promise<string>;
}

async function serve(options: Options = {}) {
  const path = options.path ?? newPath();
  const warnings: string[] = [];
  const server = new ControlServer({
    path,
    dropFile: options.dropFile ?? false,
    tcp: options.tcp ?? null,
    respond: options.respond ?? (async (line) => `you said ${line}`),
    clock: options.clock ?? systemClock,
    warn: (message) => warnings.push(message),
  });
  await server.open();
  return { path, server, warnings };
}

/** Sends text and reads to the end. */
function ask(place: string | number, text: string, { halfClose = false } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const where = typeof place === 'string' ? { path: place } : { port: place, host: '127.0.0.1' };
    const socket = connect({ ...where, allowHalfOpen: true });
    socket.setEncoding('utf8');
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
    if (halfClose) socket.end(text);
    else socket.write(text);
  });
}

test('one line, an answer, the end', async () => {
  const { path, server } = await serve();
  assert.equal(await ask(path, 'status\n'), 'you said status\n');
  assert.equal(await ask(path, 'chunk-size=?\r\n'), 'you said chunk-size=?\r\n');
  assert.equal(await ask(path, 'first\nsecond\nthird\n'), 'you said first\n');
  assert.equal(await ask(path, 'no line break', { halfClose: true }), 'you said no line break\n');
  assert.equal(await ask(path, '', { halfClose: true }), '');
  await server.close();
  assert.equal(existsSync(path), false);
});

test('the socket is for our account only, from the moment it exists', async () => {
  const before = process.umask(0);
  process.umask(before);
  const { path, server } = await serve();
  assert.equal((statSync(path).mode & 0o777).toString(8), '600');
  const after = process.umask(before);
  assert.equal(after, before);
  await server.close();
});

test('a line in pieces is put together; one without end is cut off', async () => {
  const { path, server } = await serve();
  const socket = connect({ path });
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  const closed = new Promise((resolve) => socket.on('close', resolve));
  for (const piece of ['sta', 'tu', 's\n']) {
    socket.write(piece);
    await systemClock.sleep(5);
  }
  await closed;
  assert.equal(answer, 'you said status\n');
  assert.equal(await ask(path, 'x'.repeat(200_000)).catch(() => ''), '');
  assert.equal(await ask(path, 'still there\n'), 'you said still there\n');
  await server.close();
});

test('who sends nothing is sent away after some seconds', async () => {
  const clock = new VirtualClock();
  const { path, server } = await serve({ clock });
  const socket = connect({ path });
  const closed = new Promise((resolve) => socket.on('close', resolve));
  await new Promise((resolve) => socket.on('connect', resolve));
  while (clock.sleeperCount < 2) await systemClock.sleep(1);
  await clock.advance(5_000);
  socket.resume();
  await closed;
  await server.close();
});

test('a command that throws ends its connection and nothing else', async () => {
  const respond = async (line: string): Promise<string> => {
    if (line === 'bad') throw new Error('a defect');
    return 'good';
  };
  const { path, server, warnings } = await serve({ respond });
  assert.equal(await ask(path, 'bad\n'), '');
  assert.equal(await ask(path, 'fine\n'), 'good\n');
  assert.deepEqual(warnings, ['control socket: a defect']);
  await server.close();
});

test('no more than a few may be connected at a time', async () => {
  const { path, server } = await serve();
  const idle = await Promise.all(
    [...Array(16)].map(
      () =>
        new Promise<ReturnType<typeof connect>>((resolve) => {
          const socket = connect({ path }, () => resolve(socket));
        }),
    ),
  );
  await systemClock.sleep(20);
  assert.equal(await ask(path, 'status\n').catch(() => ''), 'too many connections\n');
  for (const socket of idle) socket.destroy();
  await systemClock.sleep(20);
  assert.equal(await ask(path, 'status\n'), 'you said status\n');
  await server.close();
});

test('closing does not wait for who is connected', async () => {
  const { path, server } = await serve({ respond: () => new Promise(() => undefined) });
  const hanging = ask(path, 'status\n').catch(() => '');
  await systemClock.sleep(10);
  await server.close();
  assert.equal(await hanging, '');
});

test('what a killed process left is removed; a live one is refused', async () => {
  const path = newPath();
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(path, resolve));
  const { server: live } = await serve({ path: newPath() });
  // A listener whose file is linked elsewhere and closed leaves that file behind, as a killed process would.
  const stale = newPath();
  linkSync(path, stale);
  await new Promise((resolve) => dead.close(resolve));
  assert.ok(existsSync(stale));
  const first = await serve({ path: stale });
  assert.equal(await ask(stale, 'a\n'), 'you said a\n');
  await assert.rejects(serve({ path: stale }), /UsageError: .*a live process serves on/);
  assert.equal(await ask(stale, 'b\n'), 'you said b\n');
  await first.server.close();
  await live.close();
});

test('a file that is no socket is refused, unless it may be dropped', async () => {
  const path = newPath();
  writeFileSync(path, 'precious');
  await assert.rejects(serve({ path }), /exists and is no socket/);
  assert.ok(existsSync(path));
  const { server } = await serve({ path, dropFile: true });
  assert.equal(await ask(path, 'a\n'), 'you said a\n');
  await server.close();
});

test('closing leaves the file of somebody who took our place', async () => {
  const { path, server } = await serve();
  const second = await serve({ path, dropFile: true });
  await server.close();
  assert.equal(await ask(path, 'a\n'), 'you said a\n');
  await second.server.close();
  assert.equal(existsSync(path), false);
});

test('a socket that cannot be made is a usage error', async () => {
  await assert.rejects(serve({ path: join(folder, 'x'.repeat(200)) }), /at most 103 bytes/);
  await assert.rejects(serve({ path: join(folder, 'nowhere', 'a.sock') }), (error) => {
    assert.ok(error instanceof UsageError && /^cannot serve on/.test(error.message));
    assert.match(error.hint ?? '', /nowhere there/);
    return true;
  });
});

test('the default path is the one of gh-ost, hashed where it would be too long', () => {
  assert.equal(defaultSocketFile('db', 't'), join(tmpdir(), 'gh-ost.db.t.sock'));
  const long = defaultSocketFile('d'.repeat(64), 't'.repeat(64));
  assert.ok(Buffer.byteLength(long) <= 103);
  assert.notEqual(long, defaultSocketFile('d'.repeat(64), 'u'.repeat(64)));
  // A slash is a letter of a name as good as another, but not of a file's.
  assert.match(defaultSocketFile('db', 'a/b'), /gh-ost\.[0-9a-f]{16}\.sock$/);
});

test('by TCP as by the socket, and who crowds the one does not shut the other', async () => {
  const { path, server } = await serve({ tcp: { host: '127.0.0.1', port: 0, token: null } });
  const port = server.tcpPort!;
  assert.equal(await ask(port, 'status\n'), 'you said status\n');
  const idle = [...Array(16)].map(() => connect({ port, host: '127.0.0.1' }));
  await Promise.all(idle.map((socket) => new Promise((resolve) => socket.on('connect', resolve))));
  await systemClock.sleep(20);
  assert.equal(await ask(port, 'status\n').catch(() => ''), 'too many connections\n');
  assert.equal(await ask(path, 'status\n'), 'you said status\n');
  for (const socket of idle) socket.destroy();
  await server.close();
});

test('by TCP with a token: one line of refusal without it, and nothing is done', async () => {
  const said: string[] = [];
  const respond = async (line: string): Promise<string> => {
    said.push(line);
    return 'done';
  };
  const { path, server } = await serve({ respond, tcp: { host: '127.0.0.1', port: 0, token: 'tok-1' } });
  const port = server.tcpPort!;
  assert.equal(await ask(port, 'token tok-1\nstatus\n'), 'done\n');
  assert.equal(await ask(port, 'token tok-1\r\nsup', { halfClose: true }), 'done\n');
  for (const text of [
    'panic\n',
    'token tok-2\npanic\n',
    'token tok-11\npanic\n',
    'token\npanic\n',
    'token \npanic\n',
  ]) {
    assert.match(await ask(port, text), /^refused: the first line must be "token <token>"[^\n]*\n$/, text);
  }
  assert.equal(await ask(port, 'token tok-1\n', { halfClose: true }), '');
  assert.equal(await ask(path, 'info\n'), 'done\n', 'the socket asks for no token: its file is ours alone');
  assert.deepEqual(said, ['status', 'sup', 'info']);
  await server.close();
});

test('a port that is taken is a usage error, and leaves no socket behind', async () => {
  const first = await serve({ tcp: { host: '127.0.0.1', port: 0, token: null } });
  const path = newPath();
  await assert.rejects(
    serve({ path, tcp: { host: '127.0.0.1', port: first.server.tcpPort!, token: null } }),
    /UsageError: cannot serve on TCP port/,
  );
  assert.equal(existsSync(path), false);
  await first.server.close();
});
