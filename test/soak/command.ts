import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Child, type ChildExit, startCli } from '../lab/children.ts';
import type { Lab } from '../lab/lab.ts';
import { FaultProxy } from '../lab/proxy.ts';
import { DATABASE, type SoakPlan } from './plan.ts';

/** The command's own account: its connections can be told from those of the writers. */
export const ACCOUNT = { user: 'haunt', password: 'boo' } as const;

/** What the command can do by now. */
export interface Features {
  readonly resume: boolean;
  readonly checkpointSeconds: boolean;
}

/** How the command is started. */
export type Start = 'fresh' | 'resume' | 'again';

const LINES_KEPT = 1500;
const ANSWER_MS = 3000;

/** Asks the command what it can do. */
export function readFeatures(): Features {
  const cli = fileURLToPath(new URL('../lab/cli.ts', import.meta.url));
  const args = ['--import', import.meta.resolve('tsx'), cli, '--help'];
  const help = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return { resume: /^ +--resume\b/m.test(help), checkpointSeconds: /^ +--checkpoint-seconds\b/m.test(help) };
}

/** The command as one migration runs it: any number of times, one at a time, through a proxy. */
export class Command {
  readonly proxy: FaultProxy;
  /** The last lines of all its runs. */
  readonly lines: string[] = [];
  readonly #plan: SoakPlan;
  readonly #lab: Lab;
  readonly #features: Features;
  readonly #onLine: (line: string) => void;
  readonly #socket: string;
  readonly #flagFile: string;
  #child: Child | undefined;
  #released: boolean;

  private constructor(
    proxy: FaultProxy,
    plan: SoakPlan,
    lab: Lab,
    features: Features,
    onLine: (line: string) => void,
  ) {
    this.proxy = proxy;
    this.#plan = plan;
    this.#lab = lab;
    this.#features = features;
    this.#onLine = onLine;
    const base = join(tmpdir(), `soak-${process.pid}-${plan.seed}`);
    this.#socket = `${base}.sock`;
    this.#flagFile = `${base}.postpone`;
    this.#released = plan.releaseMs === null;
  }

  static async open(
    plan: SoakPlan,
    lab: Lab,
    features: Features,
    onLine: (line: string) => void,
  ): Promise<Command> {
    const proxy = await FaultProxy.start(lab.primary);
    proxy.setLatency(plan.latencyMs);
    return new Command(proxy, plan, lab, features, onLine);
  }

  /** Runs it to its end. */
  async run(start: Start): Promise<ChildExit & { readonly output: string }> {
    this.#keep(`--- ${start}`);
    const child = startCli(this.#arguments(start), { onLine: (line) => this.#take(line) });
    this.#child = child;
    const exit = await child.exit;
    this.#child = undefined;
    this.#keep(`--- ended with ${exit.signal ?? exit.code}`);
    return { ...exit, output: `${child.stdout}\n${child.stderr}` };
  }

  /** @returns false where nothing runs. */
  signal(name: NodeJS.Signals): boolean {
    this.#child?.kill(name);
    return this.#child !== undefined;
  }

  /** Lets the cut-over go on, in this run and in later ones. */
  async release(): Promise<void> {
    this.#released = true;
    await rm(this.#flagFile, { force: true });
  }

  /** Says a line to the socket and gives the answer; throws where nobody answers. */
  say(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let answer = '';
      const socket = connect({ path: this.#socket }, () => socket.write(`${line}\n`));
      socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error('no answer')));
      socket.setEncoding('utf8').on('data', (text: string) => {
        answer += text;
      });
      socket.once('error', reject);
      socket.once('close', () => resolve(answer));
    });
  }

  async close(): Promise<void> {
    this.#child?.kill('SIGKILL');
    this.proxy.stop();
    await rm(this.#flagFile, { force: true });
    await rm(this.#socket, { force: true });
  }

  #arguments(start: Start): string[] {
    const { subject, options } = this.#plan;
    const { host, port } = this.proxy;
    const place = [
      '--host',
      host,
      '--port',
      String(port),
      '--user',
      ACCOUNT.user,
      '--password',
      ACCOUNT.password,
    ];
    const what = ['--database', DATABASE, '--table', subject.table, '--alter', subject.alter];
    const args = [...place, ...what, '--allow-on-master', '--execute', '--debug', ...options];
    args.push('--serve-socket-file', this.#socket);
    if (subject.renames) args.push('--approve-renamed-columns');
    if (!this.#released) args.push('--postpone-cut-over-flag-file', this.#flagFile);
    const replicas = this.#lab.replicas.map((replica) => `${replica.host}:${replica.port}`);
    if (replicas.length > 0)
      args.push('--throttle-control-replicas', replicas.join(','), '--max-lag-millis', '800');
    if (this.#features.checkpointSeconds) args.push('--checkpoint-seconds', '1');
    if (start === 'resume') args.push('--resume');
    if (start === 'again') args.push('--initially-drop-ghost-table', '--initially-drop-old-table');
    return args;
  }

  #take(line: string): void {
    if (!line.startsWith('Copy: ') && !line.startsWith('# ')) this.#keep(line);
    this.#onLine(line);
    // The file is made when a run starts, which can be after the release.
    if (this.#released) void rm(this.#flagFile, { force: true });
  }

  #keep(line: string): void {
    this.lines.push(`${new Date().toISOString().slice(14, 23)} ${line}`);
    if (this.lines.length > LINES_KEPT) this.lines.shift();
  }
}
