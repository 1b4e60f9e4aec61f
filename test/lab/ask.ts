import { connect } from 'node:net';

/** What the control of a run answers to a line, by its socket file or by TCP on this machine; without what ends it. */
export function ask(place: string | number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const where = typeof place === 'string' ? { path: place } : { host: '127.0.0.1', port: place };
    const socket = connect(where, () => socket.write(`${line}\n`));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('end', () => resolve(answer.trimEnd()));
    socket.on('error', reject);
  });
}
