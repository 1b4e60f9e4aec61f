import { openSync } from 'node:fs';
import { ReadStream, WriteStream } from 'node:tty';
import { messageOf, UsageError } from '../base/errors.ts';

/** A terminal, as far as asking needs one. */
export interface Terminal {
  readonly input: {
    setRawMode(raw: boolean): unknown;
    on(event: 'data', listener: (data: Buffer | string) => void): unknown;
    on(event: 'end', listener: () => void): unknown;
    pause(): unknown;
  };
  readonly output: { write(text: string): unknown };
  close(): void;
}

const charactersMax = 1024;

/** Keys that end or edit the line, as raw mode delivers them. */
const keys = {
  interrupt: '\u0003',
  endOfFile: '\u0004',
  backspace: '\b',
  erase: '\u007f',
  eraseLine: '\u0015',
};

/**
 * Asks for a password without showing what is typed.
 * @throws UsageError when there is no terminal, or when the operator gives up (^C, ^D).
 */
export async function askPassword(prompt: string, open: () => Terminal = openTerminal): Promise<string> {
  const { input, output, close } = open();
  try {
    // First: what is typed, or pasted by a program, in answer to the prompt would be shown.
    input.setRawMode(true);
    output.write(prompt);
    return await new Promise<string>((resolve, reject) => {
      let typed: string[] = [];
      const giveUp = (): void => reject(new UsageError('no password was given'));
      input.on('end', giveUp);
      input.on('data', (data) => {
        for (const key of data.toString()) {
          if (key === '\r' || key === '\n') return resolve(typed.join(''));
          if (key === keys.interrupt || key === keys.endOfFile) return giveUp();
          if (key === keys.backspace || key === keys.erase) typed.pop();
          else if (key === keys.eraseLine) typed = [];
          else if (typed.length < charactersMax) typed.push(key);
        }
      });
    });
  } finally {
    input.setRawMode(false);
    input.pause();
    output.write('\n');
    close();
  }
}

/** The terminal that we belong to, even where stdin and stdout are redirected. */
function openTerminal(): Terminal {
  try {
    const input = new ReadStream(openSync('/dev/tty', 'r'));
    const output = new WriteStream(openSync('/dev/tty', 'w'));
    const close = (): void => {
      input.destroy();
      output.destroy();
    };
    return { input, output, close };
  } catch (error) {
    throw new UsageError(`--ask-pass: there is no terminal to ask on: ${messageOf(error)}`, {
      hint: 'Give the password in a --conf file instead.',
      cause: error,
    });
  }
}
