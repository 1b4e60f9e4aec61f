import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The command from its present source, or as `npm run build` has compiled it: what users run, and quicker to start. */
const SOURCE_CLI = fileURLToPath(new URL('./cli.ts', import.meta.url));
const BUILT_CLI = fileURLToPath(new URL('./cli-built.mjs', import.meta.url));

/** True where whoever runs us has just built the command (test/run.ts, test/bench/bench.ts). */
const built = process.env.POLTERGEIST_BUILT === '1';

/** How a child process has ended: a code or a signal. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Settings of a child process. */
export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called with each line of its standard output and error. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Module to run instead of the command. */
  readonly script?: string;
}

interface Waiter {
  readonly pattern: RegExp;
  readonly resolve: (match: RegExpMatchArray) => void;
}

/** A run of our own command (or of another script) in a process of its own. */
export class Child {
  /** How it ended; resolves when all its output has been read. */
  readonly exit: Promise<ChildExit>;
  readonly #process: ChildProcess;
  readonly #output = { stdout: '', stderr: '' };
  readonly #waiters = new Set<Waiter>();
  readonly #onLine: ChildOptions['onLine'];

  constructor(args: readonly string[], options: ChildOptions) {
    this.#onLine = options.onLine;
    const script = options.script ?? (built ? BUILT_CLI : SOURCE_CLI);
    const loader = script.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [];
    this.#process = spawn(process.execPath, [...loader, script, ...args], {
      // Over the channel the child notices our end, however it comes.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.#read('stdout');
    this.#read('stderr');
    this.exit = new Promise((resolve, reject) => {
      this.#process.on('error', reject);
      this.#process.on('close', (code, signal) => resolve({ code, signal }));
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** All of its standard output so far. */
  get stdout(): string {
    return this.#output.stdout;
  }

  /** All of its standard error so far. */
  get stderr(): string {
    return this.#output.stderr;
  }

  /** Sends it a signal; default SIGTERM. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#process.kill(signal);
  }

  /**
   * The first line of either stream that matches, of those it has written or will.
   * @throws an Error with its output when none comes within `timeoutMs`, or it ends before.
   */
  waitForLine(pattern: RegExp, timeoutMs: number): Promise<RegExpMatchArray> {
    for (const line of `${this.stdout}\n${this.stderr}`.split('\n')) {
      const match = line.match(pattern);
      if (match !== null) return Promise.resolve(match);
    }
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        reject(new Error(`no line like ${pattern} ${why}:\n${this.stdout}\n${this.stderr}`));
      };
      const timer = setTimeout(() => fail(`within ${timeoutMs} ms`), timeoutMs);
      const waiter: Waiter = {
        pattern,
        resolve: (match) => {
          clearTimeout(timer);
          resolve(match);
        },
      };
      this.#waiters.add(waiter);
      void this.exit.then(() => {
        if (this.#waiters.has(waiter)) fail('before it ended');
      });
    });
  }

  #read(stream: 'stdout' | 'stderr'): void {
    let rest = '';
    this.#process[stream]?.setEncoding('utf8').on('data', (text: string) => {
      this.#output[stream] += text;
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#take(line, stream);
    });
    this.#process[stream]?.on('end', () => {
      if (rest !== '') this.#take(rest, stream);
    });
  }

  #take(line: string, stream: 'stdout' | 'stderr'): void {
    this.#onLine?.(line, stream);
    for (const waiter of this.#waiters) {
      const match = line.match(waiter.pattern);
      if (match === null) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(match);
    }
  }
}

/** Runs our own command with these arguments. */
export function startCli(args: readonly string[], options: ChildOptions = {}): Child {
  return new Child(args, options);
}
