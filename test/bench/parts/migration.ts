import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCli } from '../../lab/children.ts';
import type { ServerAddress } from '../../lab/lab.ts';

const rssPollMs = 250;

/** What to rebuild, and how. */
export interface Job {
  readonly database: string;
  readonly table: string;
  readonly alter: string;
  /** More options of the command. */
  readonly options?: readonly string[];
}

/** What a run of the command has cost. */
export interface Migrated {
  /** The whole run of the command, from the start of its process to its end, in seconds. */
  readonly seconds: number;
  /** The most memory that our process had, MB; null where the system does not tell. */
  readonly rssMB: number | null;
  /** The most keys that waited to be applied, of those that the status showed. */
  readonly backlogMax: number;
  /** Its log, in lines of JSON. */
  readonly log: string;
}

/** Runs the command to its end. @throws an Error with its log where it does not end well. */
export async function migrate(server: ServerAddress, job: Job): Promise<Migrated> {
  const { host, port, user, password } = server;
  const place = ['--host', host, '--port', String(port), '--user', user, '--password', password];
  const what = ['--database', job.database, '--table', job.table, '--alter', job.alter];
  const how = ['--execute', '--allow-on-master', '--initially-drop-socket-file', '--verbose'];
  const startMs = performance.now();
  const child = startCli([...place, ...what, ...how, '--log-format', 'json', ...(job.options ?? [])]);
  let [ended, rssMB] = [false, null as number | null];
  const exit = child.exit.finally(() => {
    ended = true;
  });
  while (!ended) {
    rssMB = peakMB(child.pid) ?? rssMB;
    await Promise.race([exit, sleep(rssPollMs)]);
  }
  const { code } = await exit;
  const seconds = secondsSince(startMs);
  if (code !== 0) throw new Error(`the migration ended with ${code}:\n${child.stderr}`);
  const backlogs = [...child.stdout.matchAll(/Backlog: (\d+)\//g)].map((match) => Number(match[1]));
  return { seconds, rssMB, backlogMax: Math.max(0, ...backlogs), log: child.stderr };
}

/** A fact of a line of the log. @throws an Error where no line has this message. */
export function told(log: string, message: string, fact: string): number {
  return Number(lineOf(log, message)[fact]);
}

/** When a line of the log was written, ms since the epoch. @throws as `told`. */
export function toldAtMs(log: string, message: string): number {
  return Date.parse(String(lineOf(log, message).time));
}

function lineOf(log: string, message: string): Readonly<Record<string, unknown>> {
  for (const line of log.split('\n'))
    if (line.startsWith('{') && line.includes(message)) return JSON.parse(line);
  throw new Error(`the log does not say "${message}":\n${log}`);
}

/** Seconds since a moment of `performance.now()`, to the hundredth. */
export function secondsSince(startMs: number): number {
  return Number(((performance.now() - startMs) / 1000).toFixed(2));
}

/** How long something takes, in seconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return secondsSince(startMs);
}

/** A ratio to three digits; null where the other was not measured. */
export function ratio<T extends number | null>(one: number, other: T): T extends number ? number : null;
export function ratio(one: number, other: number | null): number | null {
  return other === null ? null : Number((one / other).toFixed(3));
}

/** What gh-ost and pt-online-schema-change take for the same; null where there is no such program on PATH. */
export async function peers(
  server: ServerAddress,
  job: Job,
  between: () => Promise<void>,
): Promise<{ ghost: number | null; ptosc: number | null }> {
  const ghost = await timedPeer(ghostCommand(server, job));
  if (ghost !== null) await between();
  const ptosc = await timedPeer(ptoscCommand(server, job));
  if (ptosc !== null) await between();
  return { ghost, ptosc };
}

/** gh-ost with its defaults. */
export function ghostCommand({ host, port, user, password }: ServerAddress, job: Job): readonly string[] {
  const place = [`--host=${host}`, `--port=${port}`, `--user=${user}`, `--password=${password}`];
  const what = [`--database=${job.database}`, `--table=${job.table}`, `--alter=${job.alter}`];
  const rest = [
    '--allow-on-master',
    '--execute',
    '--initially-drop-old-table',
    '--initially-drop-ghost-table',
  ];
  return ['gh-ost', ...place, ...what, ...rest, '--initially-drop-socket-file'];
}

function ptoscCommand({ host, port, user, password }: ServerAddress, job: Job): readonly string[] {
  const dsn = `h=${host},P=${port},u=${user},p=${password},D=${job.database},t=${job.table}`;
  return ['pt-online-schema-change', '--execute', `--alter=${job.alter}`, dsn];
}

async function timedPeer(command: readonly string[]): Promise<number | null> {
  const [program = '', ...args] = command;
  if (!isOnPath(program)) return null;
  return timed(async () => {
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  });
}

/** Whether a program can be called by its name. */
export function isOnPath(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The most memory a process has had, MB; null where the system does not tell. */
export function peakMB(pid: number): number | null {
  try {
    const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Math.round(Number(kilobytes) / 1024);
  } catch {
    return null;
  }
}
