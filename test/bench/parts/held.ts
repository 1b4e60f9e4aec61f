import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../../lab/ask.ts';
import { type Child, startCli } from '../../lab/children.ts';
import type { ServerAddress } from '../../lab/lab.ts';
import { type Job, peakMB } from './migration.ts';

const startTimeoutMs = 600_000;
const pollMs = 250;
const pollsMax = 2400;

/** A run of the command whose cut-over is postponed, and that is spoken to by its socket. */
export class HeldMigration {
  readonly #folder = mkdtempSync(join(tmpdir(), 'poltergeist-bench-'));
  readonly #child: Child;

  /** @param throttled from its start on: nothing is copied or applied, only the stream is read. */
  constructor(server: ServerAddress, job: Job, throttled = false) {
    const { host, port, user, password } = server;
    if (throttled) writeFileSync(join(this.#folder, 'throttle'), '');
    const place = ['--host', host, '--port', String(port), '--user', user, '--password', password];
    const what = ['--database', job.database, '--table', job.table, '--alter', job.alter, '--execute'];
    const files = [
      ...['--postpone-cut-over-flag-file', join(this.#folder, 'postpone')],
      ...['--throttle-flag-file', join(this.#folder, 'throttle')],
      ...['--serve-socket-file', join(this.#folder, 'socket')],
    ];
    this.#child = startCli([...place, ...what, '--allow-on-master', ...files, ...(job.options ?? [])]);
  }

  /** Waits for a line of the status. */
  async reach(state: RegExp): Promise<void> {
    await this.#child.waitForLine(state, startTimeoutMs);
  }

  /** What the socket answers to a line. */
  ask(line: string): Promise<string> {
    return ask(join(this.#folder, 'socket'), line);
  }

  /** Keys that wait to be applied. */
  async backlog(): Promise<number> {
    const status = await this.ask('sup');
    const backlog = /Backlog: (\d+)\//.exec(status)?.[1];
    if (backlog === undefined) throw new Error(`no backlog in ${status}`);
    return Number(backlog);
  }

  /** Waits until the backlog has not changed for so long; gives it. @throws an Error where it never rests. */
  async backlogAtRest(restMs: number): Promise<number> {
    let [last, restedMs] = [-1, 0];
    for (let polls = 0; polls < pollsMax; polls += 1) {
      const now = await this.backlog();
      restedMs = now === last ? restedMs + pollMs : 0;
      last = now;
      if (restedMs >= restMs) return now;
      await sleep(pollMs);
    }
    throw new Error(`the backlog does not come to rest: ${last}`);
  }

  /** The most memory it has had, MB; null where the system does not tell. */
  get rssMB(): number | null {
    return peakMB(this.#child.pid);
  }

  /** Abandons the run. */
  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.exit;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
