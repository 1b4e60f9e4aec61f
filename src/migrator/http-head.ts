import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Clock } from '../base/clock.ts';
import { deadline } from '../base/pulse.ts';

/** A service that points elsewhere is followed; not for ever. */
const redirectsMax = 5;

/** Asks services for the status of a URL, on connections that are kept. */
export class HttpHead {
  readonly #clock: Clock;
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: 1 });
  readonly #https = new HttpsAgent({ keepAlive: true, maxSockets: 1 });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param url `http:` or `https:`; redirects are followed.
   * @param timeoutMs for all of it, redirects included.
   * @returns the status code of the answer.
   * @throws Error when there is none: no URL, nobody there, too late.
   */
  async status(url: string, timeoutMs: number, signal: AbortSignal): Promise<number> {
    const limit = deadline(timeoutMs, 'the answer to HEAD', this.#clock, signal);
    try {
      let target = new URL(url);
      for (let hops = 0; hops < redirectsMax; hops += 1) {
        const { status, location } = await this.#head(target, limit.signal);
        if (status < 300 || status >= 400 || location === undefined) return status;
        target = new URL(location, target);
      }
      throw new Error(`more than ${redirectsMax} redirects`);
    } catch (error) {
      // The driver of the request says "aborted"; why is what people want to know.
      throw limit.signal.aborted ? limit.signal.reason : error;
    } finally {
      limit.clear();
    }
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #head(url: URL, signal: AbortSignal): Promise<{ status: number; location: string | undefined }> {
    const secure = url.protocol === 'https:';
    if (!secure && url.protocol !== 'http:') throw new Error(`no http or https URL: ${url.protocol}`);
    const send = secure ? httpsRequest : httpRequest;
    const agent = secure ? this.#https : this.#http;
    return new Promise((resolve, reject) => {
      const request = send(url, { method: 'HEAD', agent, signal }, (answer) => {
        answer.resume();
        resolve({ status: answer.statusCode ?? 0, location: answer.headers.location });
      });
      request.on('error', reject);
      request.end();
    });
  }
}
