// What the tests of the surface share: asking as any client does, and what operators look at.
import { connect, createServer } from 'node:net';

/** What is answered to some text by socket or by TCP on this machine. */
export function ask(place: string | number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const where = typeof place === 'string' ? { path: place } : { host: '127.0.0.1', port: place };
    const socket = connect(where, () => socket.write(`${text}\n`));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('end', () => resolve(answer.trimEnd()));
    socket.on('error', reject);
  });
}

/** A TCP port that nobody had a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
