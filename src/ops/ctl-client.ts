import { connect } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { Transient, UsageError } from '../base/errors.ts';
import type { CtlRequest } from './ctl-options.ts';

/** A profile is the largest answer; this is far beyond one. */
const answerBytesMax = 256 << 20;

/** What a run has answered. */
export interface CtlAnswer {
  /** False where it has not done what it was told. */
  readonly ok: boolean;
  /** Without the last line break. */
  readonly text: string;
}

/**
 * Sends one command and waits for the answer.
 * @param signal ends the waiting; what has been sent may be obeyed all the same.
 * @throws UsageError when nobody listens there; Transient when no answer comes; the signal's reason.
 */
export async function askRun(
  request: CtlRequest,
  line: string,
  clock: Clock,
  signal?: AbortSignal,
): Promise<CtlAnswer> {
  const { token, timeoutMs } = request;
  const sent = `${token === null ? '' : `token ${token}\n`}@${line}\n`;
  const text = await exchange(request, sent, clock, signal);
  const [, verdict, rest] = /^(ok|error)\n(.*?)\n?$/s.exec(text) ?? [];
  if (verdict !== undefined) return { ok: verdict === 'ok', text: rest ?? '' };
  if (text !== '') return { ok: false, text: text.trimEnd() };
  throw new Transient(`the run has not answered ${line}`, {
    hint: `It has ended, or had no answer in ${timeoutMs / 1000} s.`,
  });
}

/** @returns all that comes back; nothing after the time-out. */
async function exchange(
  { place, timeoutMs }: CtlRequest,
  text: string,
  clock: Clock,
  signal?: AbortSignal,
): Promise<string> {
  const done = new AbortController();
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    return await new Promise<string>((resolve, reject) => {
      const socket = connect({ ...place, allowHalfOpen: true });
      const end = (): void => {
        socket.destroy();
        resolve(Buffer.concat(chunks).toString('utf8'));
      };
      let connected = false;
      socket.on('connect', () => {
        connected = true;
        socket.write(text);
      });
      socket.on('data', (chunk) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > answerBytesMax) end();
      });
      socket.on('end', end);
      socket.on('close', end);
      socket.on('error', (error) => (connected ? end() : reject(nobody(place, error))));
      clock.sleep(timeoutMs, done.signal).then(end, () => undefined);
      signal?.addEventListener('abort', () => {
        reject(signal.reason);
        socket.destroy();
      });
    });
  } finally {
    done.abort();
  }
}

function nobody(place: CtlRequest['place'], cause: Error): UsageError {
  const where = 'path' in place ? place.path : `${place.host}:${place.port}`;
  return new UsageError(`nobody can be reached at ${where}: ${cause.message}`, {
    hint: 'The run has ended, was not started with --execute, serves elsewhere (its status: "Serving on"), or is another account\'s.',
    cause,
  });
}
