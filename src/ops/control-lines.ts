import type { Socket } from 'node:net';

/**
 * The lines that a client sends, read one after the other. What comes after the last line that is asked for is thrown
 * away, but is read: else the answer would be reset.
 */
export class ControlLines {
  readonly #bytesMax: number;
  #text = '';
  #bytes = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  /** @param bytesMax of all lines together; who sends more gets no answer. */
  constructor(socket: Socket, bytesMax: number) {
    this.#bytesMax = bytesMax;
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      this.#bytes += Buffer.byteLength(chunk);
      if (this.#bytes <= bytesMax) this.#text += chunk as unknown as string;
      this.#wake();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    socket.on('end', end);
    socket.on('close', end);
  }

  /**
   * The next line without its line break, which the end of the input may end, too.
   * @returns null when there is none within the bounds, or before `stop` aborts.
   */
  async next(stop: AbortSignal): Promise<string | null> {
    const aborted = new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      else stop.addEventListener('abort', () => resolve(), { once: true });
    });
    while (true) {
      const at = this.#text.indexOf('\n');
      if (at >= 0) return this.#take(at);
      if (this.#bytes > this.#bytesMax || stop.aborted) return null;
      if (this.#ended) return this.#text === '' ? null : this.#take(this.#text.length);
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([woken, aborted]);
    }
  }

  #take(at: number): string {
    const line = this.#text.slice(0, at);
    this.#text = this.#text.slice(at + 1);
    return line;
  }
}
