import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../base/clock.ts';
import { UsageError } from '../base/errors.ts';
import type { Meter } from '../core/meter.ts';
import type { Snapshot } from '../core/snapshot.ts';

import type { OptionValues } from './options.ts';
import { openStatsdWire, type StatsdWire } from './statsd-wire.ts';
import { progressPercent } from './status.ts';

/** A packet that fits everywhere, bytes. */
const packetBytesMax = 1400;
const sampleMs = 1000;
/** Closing may wait this long for the last packets, ms. */
const closeMs = 1000;

/** What figures are made of and where they go. */
export interface StatsdParts {
  readonly wire: StatsdWire;
  /** `key:value`, on every figure. */
  readonly tags: readonly string[];
  readonly clock: Clock;
  readonly snapshot: () => Snapshot;
  /** Between two looks at the process itself, ms; 0: none. */
  readonly runtimeMs: number;
}

/** The figures that the options ask for; undefined without `--statsd-addr`. @throws UsageError. */
export function statsdOf(
  options: OptionValues,
  { clock, snapshot, warn }: Pick<StatsdParts, 'clock' | 'snapshot'> & { warn: (message: string) => void },
): Statsd | undefined {
  const tags = checkTags(options.statsdTags);
  if (options.statsdAddr === '') return undefined;
  const wire = openStatsdWire(options.statsdAddr, clock, warn);
  return new Statsd({ wire, tags, clock, snapshot, runtimeMs: options.runtimeMetricsInterval * 1000 });
}

/** Reads `--statsd-tags`. @throws UsageError for what is no `key:value`, or would break the line that it is sent in. */
function checkTags(tags: readonly string[]): readonly string[] {
  for (const tag of tags)
    if (!/^[^\s:|,#]+:[^\s|,#]+$/.test(tag)) throw new UsageError(`--statsd-tags is key:value, not "${tag}"`);
  return tags;
}

/**
 * Sends the figures of a run to a StatsD server: gauges once a second, timings as they come, in packets of bounded size. What
 * cannot be sent is dropped.
 */
export class Statsd implements Meter {
  readonly #parts: StatsdParts;
  readonly #suffix: string;
  #packet = '';
  #throttledSinceMs: number | null = null;

  constructor(parts: StatsdParts) {
    this.#parts = parts;
    this.#suffix = this.#tagged(parts.tags);
  }

  timing(name: string, ms: number, tags: Readonly<Record<string, string>> = {}): void {
    const words = Object.entries(tags).map(([key, value]) => `${key}:${value.replace(/[\s|,#:]/g, '_')}`);
    this.#put(`${name}_ms:${ms.toFixed(3)}|ms${this.#tagged([...this.#parts.tags, ...words])}`);
  }

  /** Samples until the signal aborts, once more then, and closes the wire. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, runtimeMs, wire } = this.#parts;
    const delay = monitorEventLoopDelay();
    if (runtimeMs > 0) delay.enable();
    let runtimeAtMs = clock.nowMs();
    while (!signal.aborted) {
      this.#sample();
      if (runtimeMs > 0 && clock.nowMs() - runtimeAtMs >= runtimeMs) {
        runtimeAtMs = clock.nowMs();
        this.#sampleRuntime(delay);
      }
      this.#flush();
      await clock.sleep(sampleMs, signal).catch(() => undefined);
    }
    delay.disable();
    this.#sample();
    this.#flush();
    await Promise.race([wire.close(), clock.sleep(closeMs)]);
  }

  #sample(): void {
    const snapshot = this.#parts.snapshot();
    this.#gauge('progress_percent', progressPercent(snapshot));
    this.#gauge('rows_copied', snapshot.rowsCopied);
    this.#gauge('rows_estimate', snapshot.rowsEstimate);
    this.#gauge('rows_verified', snapshot.rowsVerified);
    this.#gauge('changes_received', snapshot.changesReceived);
    this.#gauge('keys_applied', snapshot.keysApplied);
    this.#gauge('backlog', snapshot.backlog);
    this.#gauge('stream_lag_ms', snapshot.streamLagMs);
    this.#gauge('replication_lag_ms', snapshot.replicationLagMs);
    this.#gauge('chunk_rows', snapshot.chunkRows);
    this.#gauge('throttled', snapshot.throttled === null ? 0 : 1);
    this.#gauge('postponing', snapshot.postponing ? 1 : 0);
    this.#gauge('cut_over.attempts', snapshot.cutOverAttempts);
    if (snapshot.etaMs !== null) this.#gauge('eta_seconds', snapshot.etaMs / 1000);
    if (snapshot.writerStopMs !== null) this.#gauge('cut_over.writer_stop_ms', snapshot.writerStopMs);
    this.#timeThrottle(snapshot);
  }

  /** An interval is told when it is over, exact to the samples. */
  #timeThrottle({ throttled, elapsedMs }: Snapshot): void {
    if (throttled !== null) {
      this.#throttledSinceMs ??= elapsedMs;
      return;
    }
    if (this.#throttledSinceMs !== null) this.timing('throttle', elapsedMs - this.#throttledSinceMs);
    this.#throttledSinceMs = null;
  }

  #sampleRuntime(delay: ReturnType<typeof monitorEventLoopDelay>): void {
    const { rss, heapUsed } = process.memoryUsage();
    this.#gauge('runtime.rss_bytes', rss);
    this.#gauge('runtime.heap_used_bytes', heapUsed);
    this.#gauge('runtime.event_loop_delay_max_ms', delay.max / 1e6);
    this.#gauge('runtime.event_loop_delay_mean_ms', delay.mean / 1e6);
    delay.reset();
  }

  #gauge(name: string, value: number): void {
    if (Number.isFinite(value)) this.#put(`${name}:${Math.round(value * 1000) / 1000}|g${this.#suffix}`);
  }

  #put(figure: string): void {
    const line = `poltergeist.${figure}\n`;
    if (this.#packet.length + line.length > packetBytesMax) this.#flush();
    this.#packet += line;
  }

  #flush(): void {
    if (this.#packet !== '') this.#parts.wire.send(this.#packet);
    this.#packet = '';
  }

  #tagged(tags: readonly string[]): string {
    return tags.length === 0 ? '' : `|#${tags.join(',')}`;
  }
}
