import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Abandoned } from '../../src/base/errors.ts';
import { HttpHead } from '../../src/migrator/http-head.ts';
import {
  type CriticalLoadOptions,
  CriticalLoadSignal,
  maxLoadSignal,
  streamLagSignal,
  throttleHttpSignal,
  throttleQuerySignal,
} from '../../src/migrator/load-signals.ts';
import { Throttler } from '../../src/stages/throttler.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';

const forever = new AbortController().signal;

/** A critical load signal on a server with as many running threads as the test says. */
function critical(options: Partial<CriticalLoadOptions>) {
  const clock = new VirtualClock();
  const server = { running: 30, lines: [] as string[] };
  const say = (_facts: object, message: string): void => void server.lines.push(message);
  const signal = new CriticalLoadSignal(
    {
      settings: { criticalLoad: new Map([['Threads_running', 20]]) },
      read: async () => new Map([['Threads_running', server.running]]),
      clock,
      log: { debug: say, info: say, warn: say },
    },
    { intervalMs: 0, hibernateMs: 0, ...options },
  );
  return { clock, server, signal };
}

describe('max-load', () => {
  it('throttles at its threshold, not only above, and names the variable', async () => {
    let running = 24;
    const settings = { maxLoad: new Map([['Threads_running', 25]]) };
    const signal = maxLoadSignal(settings, async () => new Map([['Threads_running', running]]));
    assert.equal(await signal.read(forever), null);
    running = 25;
    assert.equal(await signal.read(forever), 'max-load Threads_running=25 >= 25');
    settings.maxLoad = new Map();
    assert.equal(await signal.read(forever), null);
  });
});

describe('critical-load', () => {
  it('abandons the run at once, and says what was met', async () => {
    const { signal } = critical({});
    await assert.rejects(signal.read(forever), (error: Error) => {
      assert.ok(error instanceof Abandoned);
      assert.match(error.message, /^critical-load Threads_running=30 >= 20/);
      // What has been copied is not thrown away: the ending is that of a signal, not of a panic.
      assert.equal(error.reason, undefined);
      return true;
    });
  });

  it('with an interval rests until the second look, and goes on where it is not met again', async () => {
    const { signal, clock, server } = critical({ intervalMs: 400 });
    assert.equal(await signal.read(forever), 'critical-load Threads_running=30 >= 20');
    assert.equal(signal.intervalMs, 400, 'the second look is not late');
    await clock.advance(200);
    assert.equal(await signal.read(forever), 'critical-load Threads_running=30 >= 20');
    await clock.advance(200);
    server.running = 3;
    assert.equal(await signal.read(forever), null);
    server.running = 30;
    assert.equal(await signal.read(forever), 'critical-load Threads_running=30 >= 20', 'a new first look');
    await clock.advance(400);
    await assert.rejects(signal.read(forever), Abandoned);
  });

  it('hibernates instead where it may, and then looks before it goes on', async () => {
    const { signal, clock, server } = critical({ hibernateMs: 5000, intervalMs: 100 });
    const asleep = /^critical-load-hibernate until \d{4}-\d\d-\d\dT[\d:.]+Z$/;
    assert.match((await signal.read(forever))!, asleep);
    server.running = 1;
    await clock.advance(4999);
    assert.match((await signal.read(forever))!, asleep);
    await clock.advance(1);
    assert.equal(await signal.read(forever), 'leaving hibernation');
    server.running = 99;
    assert.match((await signal.read(forever))!, asleep, 'still too much: it sleeps again');
    server.running = 1;
    await clock.advance(5000);
    assert.equal(await signal.read(forever), 'leaving hibernation');
    assert.equal(await signal.read(forever), null);
    assert.ok(server.lines.includes('leaving hibernation'));
  });

  it('ends the run through the throttler; a load that cannot be read only throttles', async () => {
    const { signal, clock } = critical({});
    const throttler = new Throttler([signal], clock);
    await assert.rejects(clock.runUntil(throttler.run(forever)), Abandoned);
    const broken = {
      ...{ name: 'critical-load', intervalMs: 100 },
      read: () => Promise.reject(new Error('gone')),
    };
    const other = new Throttler([broken], clock);
    const ending = new AbortController();
    const running = other.run(ending.signal);
    await clock.advance(1);
    assert.equal(other.reason, 'critical-load unreadable: gone');
    ending.abort();
    await clock.runUntil(running);
  });
});

describe('throttle-query', () => {
  it('throttles above 0, and not when it is empty', async () => {
    let answer = 0;
    const settings = { throttleQuery: 'SELECT 1' };
    const signal = throttleQuerySignal(settings, async () => answer);
    assert.equal(await signal.read(forever), null);
    answer = 3;
    assert.equal(await signal.read(forever), 'throttle-query 3 > 0');
    settings.throttleQuery = ' ';
    assert.equal(await signal.read(forever), null);
  });
});

describe('the change stream is behind', () => {
  // A gate that kept the applier from working would keep the stream from ever catching up.
  it('bulk work rests, the applier does not', async () => {
    const clock = new VirtualClock();
    let lagMs = 1500;
    const throttler = new Throttler([streamLagSignal({ maxLagMs: 1500 }, () => lagMs)], clock);
    const ending = new AbortController();
    const running = throttler.run(ending.signal);
    await clock.advance(1);
    assert.equal(throttler.bulk.reason, 'lag=1.500000s >= 1.500000s');
    assert.equal(throttler.reason, null);
    await throttler.pass(forever);
    const pass = throttler.bulk.pass(forever);
    lagMs = 1499;
    await clock.advance(100);
    await pass;
    ending.abort();
    await clock.runUntil(running);
  });
});

describe('throttle-http', () => {
  let server: Server;
  let url: string;
  let answer: number;
  let hits = 0;
  const http = new HttpHead({ nowMs: () => 0, wallMs: () => 0, sleep: () => new Promise(() => undefined) });
  before(async () => {
    server = createServer((request, response) => {
      hits += 1;
      assert.equal(request.method, 'HEAD');
      if (request.url === '/moved') response.writeHead(302, { location: '/' });
      else if (request.url === '/loop') response.writeHead(302, { location: '/loop' });
      else response.writeHead(answer);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    http.close();
    server.close();
  });
  const make = (throttleHttp: string, ignoreErrors = false) =>
    throttleHttpSignal({ throttleHttp }, (to, timeoutMs, signal) => http.status(to, timeoutMs, signal), {
      ...{ intervalMs: 100, timeoutMs: 1000, ignoreErrors },
    });

  it('throttles at everything but 200, and follows redirects', async () => {
    answer = 200;
    assert.equal(await make(`${url}/`).read(forever), null);
    assert.equal(await make(`${url}/moved`).read(forever), null);
    answer = 429;
    assert.equal(await make(`${url}/moved`).read(forever), 'throttle-http http=429 != 200');
    await assert.rejects(make(`${url}/loop`).read(forever), /redirects/);
  });

  it('asks nobody when it is empty', async () => {
    const before = hits;
    assert.equal(await make('').read(forever), null);
    assert.equal(hits, before);
  });

  it('throttles where nobody answers, unless errors are to be ignored', async () => {
    await assert.rejects(make('http://127.0.0.1:1/').read(forever), /ECONNREFUSED/);
    assert.equal(await make('http://127.0.0.1:1/', true).read(forever), null);
    await assert.rejects(make('ftp://127.0.0.1/').read(forever), /no http or https URL/);
    await assert.rejects(make('nonsense').read(forever), /Invalid URL/);
    answer = 500;
    assert.equal(
      await make(`${url}/`, true).read(forever),
      'throttle-http http=500 != 200',
      'an answer is no error',
    );
  });
});
