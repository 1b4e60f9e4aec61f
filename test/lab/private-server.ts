import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, ConnectionOptions } from 'mysql2/promise';
import type { ServerBinary } from './binary.ts';
import type { Flavor } from './flavor.ts';
import { type ServerOptions, type ServerSetup, serverOptions } from './options.ts';
import { connectTo, type LabServer } from './server.ts';
import { copyTemplate, LAB_PASSWORD, LAB_USER, userOptions } from './template.ts';
import { Watchdog } from './watchdog.ts';

const START_WAIT_MS = 60_000;
const STOP_WAIT_MS = 60_000;
const PORT_TRIES = 4;
/** Of a millisecond each. */
const PAUSE_TRIES = 2000;

let nextServerId = 1 + (process.pid % 100_000) * 100;

/** Starts a server of our own in a temporary folder, on a free port of the loopback interface. */
export async function startPrivateServer(binary: ServerBinary, setup: ServerSetup): Promise<LabServer> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'poltergeist-lab-')));
  const server = new PrivateServer(binary, setup, folder);
  try {
    await copyTemplate(binary, server.dataDir);
    await server.start();
    return server;
  } catch (error) {
    await server.dispose();
    throw error;
  }
}

/**
 * States: stopped -> running -> stopped, any number of times; then disposed.
 *  - stopped   no process; the folder holds the data.
 *  - running   a process answers on `port`, or is paused. The watchdog knows its id.
 *  - disposed  neither process nor folder.
 */
class PrivateServer implements LabServer {
  readonly flavor: Flavor;
  readonly version: string;
  readonly host = '127.0.0.1';
  /** Set by the first start and kept from then on. */
  port = 0;
  readonly user = LAB_USER;
  readonly password = LAB_PASSWORD;
  readonly socketPath: string;
  readonly dataDir: string;
  readonly #temporaryFolder: string;
  readonly #binary: ServerBinary;
  readonly #setup: ServerSetup;
  readonly #serverId = nextServerId++;
  readonly #logPath: string;
  readonly #watchdog: Watchdog;
  #extraOptions: ServerOptions = {};
  #process: ChildProcess | undefined;

  constructor(binary: ServerBinary, setup: ServerSetup, folder: string) {
    this.flavor = binary.flavor;
    this.version = binary.version;
    this.#binary = binary;
    this.#setup = setup;
    this.dataDir = join(folder, 'data');
    this.socketPath = join(folder, 'sock');
    this.#temporaryFolder = join(folder, 'tmp');
    mkdirSync(this.#temporaryFolder);
    this.#logPath = join(folder, 'error.log');
    this.#watchdog = new Watchdog(folder);
  }

  connect(options: ConnectionOptions = {}): Promise<Connection> {
    return connectTo(this, options);
  }

  /** Starts the process; another one may take the port first, so a new server tries several. */
  async start(): Promise<void> {
    if (this.port !== 0) return this.#launch();
    for (let attempt = 1; ; attempt++) {
      this.port = await freePort();
      try {
        return await this.#launch();
      } catch (error) {
        const taken = /Address already in use|port: \d+ ?\./i.test(this.errorLog());
        if (!taken || attempt === PORT_TRIES) throw error;
      }
    }
  }

  async #launch(): Promise<void> {
    const { command, layout } = this.#binary;
    const options = { ...this.#setup.options, ...this.#extraOptions };
    const settings = serverOptions(this.#binary, this.#serverId, { ...this.#setup, options });
    const paths = [
      `--datadir=${this.dataDir}`,
      // A server that starts clears its folder of temporary tables away: in a shared one those of others would go, and
      // MariaDB crashes then.
      `--tmpdir=${this.#temporaryFolder}`,
      `--socket=${this.socketPath}`,
      `--log-error=${this.#logPath}`,
    ];
    const args = [...command.slice(1), '--no-defaults', ...layout, ...userOptions(), ...paths];
    const child = spawn(command[0] ?? '', [...args, `--port=${this.port}`, ...settings], {
      // A session of its own: Ctrl-C in a terminal is for us to hear, and our end takes the server along.
      detached: true,
      stdio: 'ignore',
      env: { ...process.env, ...this.#setup.env },
    });
    child.on('error', () => {}); // reported as a process without an id, below
    child.unref();
    this.#process = child;
    this.#watchdog.guard(child.pid);
    await this.#ready(child);
  }

  async #ready(child: ChildProcess): Promise<void> {
    const deadline = performance.now() + START_WAIT_MS;
    let last: unknown;
    while (performance.now() < deadline) {
      if (child.pid === undefined || hasEnded(child)) break;
      try {
        await (await this.connect({ connectTimeout: 5000 })).end();
        return;
      } catch (error) {
        last = error;
        if ((error as NodeJS.ErrnoException).code === 'ER_ACCESS_DENIED_ERROR') break;
        await sleep(25);
      }
    }
    await this.kill9();
    const log = this.errorLog().trim().split('\n').slice(-12).join('\n');
    throw new Error(`${this.flavor} ${this.version} did not start:\n${log}`, { cause: last });
  }

  async kill9(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    this.resume();
    await this.#end('SIGTERM');
  }

  async restart(options: ServerOptions = {}): Promise<void> {
    this.#extraOptions = { ...this.#extraOptions, ...options };
    if (this.#process !== undefined) await this.stop();
    await this.start();
  }

  pause(): void {
    this.#process?.kill('SIGSTOP');
    // The signal returns before the last thread stands still, which may have an answer to give yet.
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    for (let tries = 0; tries < PAUSE_TRIES && !standsStill(this.#process?.pid); tries++) {
      Atomics.wait(sleeper, 0, 0, 1);
    }
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  errorLog(): string {
    return existsSync(this.#logPath) ? readFileSync(this.#logPath, 'utf8') : '';
  }

  async dispose(): Promise<void> {
    await this.kill9();
    await this.#watchdog.finish();
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    if (child.pid !== undefined && !hasEnded(child)) {
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.ref();
      child.kill(signal);
      const inTime = await Promise.race([ended.then(() => true), sleep(STOP_WAIT_MS, false, { ref: false })]);
      if (!inTime) throw new Error(`${this.flavor} did not end within ${STOP_WAIT_MS} ms of ${signal}`);
    }
    this.#process = undefined;
    this.#watchdog.guard(undefined);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Whether all threads of a process are stopped; where that cannot be told, they are taken to be. */
function standsStill(pid: number | undefined): boolean {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return true;
  return readdirSync(tasks).every((task) => {
    try {
      return /\) [TtZX] /.test(readFileSync(join(tasks, task, 'stat'), 'utf8'));
    } catch {
      return true; // ended in between
    }
  });
}

/** A port of the loopback interface that nothing listens on now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
