import { spawn } from 'node:child_process';

/** What a finished command has left. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command to its end and keeps its output.
 * @param input text for its standard input.
 * @throws an Error when it cannot be started.
 */
export function run(command: readonly string[], input = '', cwd?: string): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0] ?? '', command.slice(1), {
      stdio: 'pipe',
      env: { ...process.env, LC_ALL: 'C' },
      ...(cwd === undefined ? {} : { cwd }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
    child.stdin.on('error', () => {}); // it may end without reading everything: its exit code tells
    child.stdin.end(input);
  });
}

/**
 * As `run`, for commands that must succeed.
 * @throws an Error with the end of its error output when it did not.
 */
export async function mustRun(command: readonly string[], input = '', cwd?: string): Promise<string> {
  const result = await run(command, input, cwd);
  if (result.code !== 0) {
    const said = (result.stderr || result.stdout).trim().split('\n').slice(-8).join('\n');
    throw new Error(`${command.slice(0, 2).join(' ')} ... ended with ${result.code}: ${said}`);
  }
  return result.stdout;
}
