import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { Failure, messageOf, PoltergeistError } from '../base/errors.ts';
import { commands } from './commands.ts';
import { askRun, type CtlAnswer } from './ctl-client.ts';
import { type CtlRequest, parseCtl } from './ctl-options.ts';
import { ctlOptions } from './options/ctl.ts';
import type { OptionSpec } from './options/spec.ts';
import { explainOption, optionTerm } from './program.ts';

/** What the command works with; `terminal`: a person sits there. */
export interface CtlParts {
  readonly input: Readable;
  readonly output: Writable;
  readonly errors: { write(text: string): unknown };
  readonly terminal: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
}

const usage = `Usage: poltergeist ctl [options] [command]

Talks to a running migration: sends one command and prints the answer, or, without a command, is a prompt
(history with the arrow keys, completion with TAB, the end with quit or ^D; ^C drops a line, or an answer); lines that are piped in are sent
one after the other. "help" as the command lists the commands; "status --json" is for programs.

Exit code: 0 answered; 1 the run has not done it, or gave no answer; 2 wrong usage, or nobody is there.
`;

/**
 * `poltergeist ctl`: a client of the control socket.
 * @param argv what comes after `ctl`.
 * @returns the exit code.
 * @throws UsageError; Transient when no answer comes to a single command.
 */
export async function ctl(argv: readonly string[], parts: CtlParts): Promise<0 | 1> {
  const request = parseCtl(argv, parts.env);
  if (request === null) {
    parts.output.write(ctlHelp());
    return 0;
  }
  if (request.line === null) return await prompt(request, parts);
  return show(await askRun(request, request.line, parts.clock), parts);
}

/** The text of `poltergeist ctl --help`. */
function ctlHelp(): string {
  const rows = Object.entries(ctlOptions as Readonly<Record<string, OptionSpec>>).map(
    ([name, spec]) => [optionTerm(name, spec), explainOption(spec)] as const,
  );
  const width = Math.max(...rows.map(([term]) => term.length)) + 2;
  return `${usage}\n${rows.map(([term, text]) => `  ${term.padEnd(width)}${text}\n`).join('')}`;
}

/** Answers go to stdout, what has gone wrong to stderr. */
function show({ ok, text }: CtlAnswer, { output, errors }: CtlParts): 0 | 1 {
  (ok ? output : errors).write(`${text}\n`);
  return ok ? 0 : 1;
}

/** @returns 1 when any line was not obeyed, except at a terminal, where the person has seen it. */
async function prompt(request: CtlRequest, parts: CtlParts): Promise<0 | 1> {
  const { input, output, errors, terminal, clock } = parts;
  const lines = createInterface({
    ...{ input, terminal, prompt: 'poltergeist> ', historySize: 500, removeHistoryDuplicates: true },
    ...(terminal ? { output, completer: completeCommand } : {}),
  });
  let waiting: AbortController | null = null;
  lines.on('SIGINT', () => {
    if (waiting) waiting.abort(new Failure('not waited for any longer: the run may obey all the same'));
    else if (lines.line !== '') dropLine(lines);
    else lines.close();
  });
  let quits = false;
  // What comes next on the terminal begins on a line of its own.
  lines.on('close', () => {
    if (terminal && !quits) output.write('\n');
  });
  const next = (): void => {
    // What was typed while an answer was waited for stays as it was typed.
    if (terminal) lines.prompt(true);
  };
  let worst: 0 | 1 = 0;
  next();
  for await (const line of linesOf(lines)) {
    const command = line.trim();
    quits = /^(quit|exit)$/.test(command);
    if (quits) break;
    if (command !== '') {
      try {
        waiting = new AbortController();
        if (show(await askRun(request, command, clock, waiting.signal), parts) === 1) worst = 1;
      } catch (error) {
        worst = 1;
        const hint = error instanceof PoltergeistError && error.hint ? `\nhint: ${error.hint}` : '';
        errors.write(`${messageOf(error)}${hint}\n`);
      } finally {
        waiting = null;
      }
    }
    next();
  }
  lines.close();
  return terminal ? 0 : worst;
}

/** Takes away what is typed but not sent. */
function dropLine(lines: Interface): void {
  for (const name of ['e', 'u']) lines.write(null, { ctrl: true, name });
}

/** The lines in their order: those that come while an answer is waited for are kept. */
async function* linesOf(lines: Interface): AsyncGenerator<string> {
  const kept: string[] = [];
  let closed = false;
  let wake: () => void = () => undefined;
  lines.on('line', (line) => {
    kept.push(line);
    wake();
  });
  lines.on('close', () => {
    closed = true;
    wake();
  });
  while (true) {
    const line = kept.shift();
    if (line !== undefined) yield line;
    else if (closed) return;
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
}

/** The commands that begin with what is typed, with `=` where they need an argument: readline's completer. */
export function completeCommand(typed: string): [string[], string] {
  return [commandWords().filter((word) => word.startsWith(typed)), typed];
}

/** All words that can begin a command. */
export function commandWords(): string[] {
  const words = commands.flatMap(({ names, argument }) =>
    names.map((name) => (argument.startsWith('=') ? `${name}=` : name)),
  );
  return [...words, 'status --json'].sort();
}
