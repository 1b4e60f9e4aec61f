import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { choice, flag, float, int, list, type OptionSpec, path, text, thresholds } from './spec.ts';

/** How fast it goes. */
export const paceOptions = {
  'chunk-size': int(
    'U',
    null,
    [10, 100_000, 'clamp'],
    'rows a chunk; not given or "auto": the size follows the time that chunks take (gh-ost: 1000)',
    { live: 'chunkRows' },
  ),
  'dml-batch-size': int(
    'U',
    null,
    [1, 1000, 'clamp'],
    'keys a transaction of the applier, at the most; not given or "auto": the number follows the time that they take (gh-ost: 10 events)',
    {
      live: 'batchKeys',
    },
  ),
  'nice-ratio': float(
    'U',
    0,
    [0, 100, 'clamp'],
    'time to sleep after each chunk, as a multiple of the time that it took',
    { live: 'niceRatio' },
  ),
  concurrency: int(
    'P',
    null,
    [1, 64, 'clamp'],
    'workers that copy chunks; not given or "auto": 1 to 8, as many as bring rows and do no harm to others, with pauses if need be',
  ),
  verify: text(
    'P',
    'full',
    'compare the new table with the original before the cut-over: full, sample:<percent> (of the chunks), or off',
  ),
  'verify-concurrency': int('P', 2, [1, 64, 'clamp'], 'workers that compare chunks'),
  'defer-indexes': choice(
    'P',
    ['auto', 'always', 'never'],
    'build secondary indexes after the copy; auto: where the table is large and no replica would lag behind it',
    { default: 'auto', '': 'auto' },
  ),
  'exact-rowcount': flag('C', 'count the rows, for a progress that is exact'),
  'concurrent-rowcount': {
    ...flag('N', 'with --exact-rowcount: count beside the copy, and not before it'),
    default: true,
  },
  'default-retries': int(
    'U',
    60,
    [1, 1_000_000, 'default'],
    'attempts for what may succeed when tried again',
  ),
} satisfies Record<string, OptionSpec>;

/** When it rests. */
export const throttleOptions = {
  'max-lag-millis': int('U', 1500, [100, 86_400_000, 'clamp'], 'replication lag above which we rest, ms', {
    live: 'maxLagMs',
  }),
  'throttle-control-replicas': list('U', 'replicas whose lag counts: host:port,host:port', {
    live: 'throttleControlReplicas',
    addresses: true,
  }),
  'discover-replicas': flag(
    'P',
    'the lag of every replica of the server counts; they are found, and found again',
  ),
  'max-load': thresholds('U', 'rest while a status variable is at its value or above', { live: 'maxLoad' }),
  'critical-load': thresholds('U', 'abandon the run when a status variable is at its value or above', {
    live: 'criticalLoad',
  }),
  'critical-load-interval-millis': int(
    'C',
    0,
    [0, 86_400_000, 'clamp'],
    'abandon the run only if --critical-load is met again after this time, ms; 0 = at once',
  ),
  'critical-load-hibernate-seconds': int(
    'N',
    0,
    [0, 604_800, 'clamp'],
    'at --critical-load rest for this long instead of abandoning the run, seconds; 0 = abandon',
  ),
  'throttle-query': text('C', '', 'rest while this query gives more than 0', { live: 'throttleQuery' }),
  'throttle-http': text('C', '', 'rest while HEAD of this URL gives anything but 200', {
    live: 'throttleHttp',
  }),
  'throttle-http-interval-millis': int(
    'N',
    100,
    [10, 3_600_000, 'clamp'],
    'time between two questions to --throttle-http, ms',
  ),
  'throttle-http-timeout-millis': int(
    'N',
    1000,
    [10, 4000, 'clamp'],
    'time that --throttle-http may take to answer, ms',
  ),
  'ignore-http-errors': flag('N', 'go on while --throttle-http does not answer'),
  'heartbeat-interval-millis': int('N', 100, [100, 1000, 'clamp'], 'time between two heartbeats, ms'),
  'throttle-flag-file': path('U', 'rest while this file exists'),
  'throttle-additional-flag-file': path('C', 'rest while this file exists; for many migrations at once', {
    byDefault: join(tmpdir(), 'gh-ost.throttle'),
  }),
} satisfies Record<string, OptionSpec>;

/** How it ends. */
export const cutOverOptions = {
  'cut-over-lock-timeout-seconds': int(
    'U',
    3,
    [1, 10, 'default'],
    'longest time for which one attempt of the cut-over may hold locks, seconds',
  ),
  'cut-over': choice(
    'N',
    ['atomic', 'two-step', 'locked-rename'],
    'kind of the cut-over: see docs/cut-over.md',
    {
      default: 'atomic',
      '': 'atomic',
    },
  ),
  'analyze-ghost-table-before-cutover': {
    ...flag(
      'C',
      'have the server count the statistics of the new table before the cut-over, for a minute at the most',
    ),
    default: true,
  },
  'allow-setup-metadata-lock-instruments': flag(
    'C',
    'switch on what shows who holds which table (performance_schema.setup_instruments), where it is off',
  ),
  'cut-over-exponential-backoff': flag('C', 'wait 1, 2, 4 .. seconds between attempts of the cut-over'),
  'exponential-backoff-max-interval': int(
    'N',
    64,
    [2, 86_400, 'default'],
    'longest wait between attempts, seconds',
  ),
  'postpone-cut-over-flag-file': path(
    'U',
    'put the cut-over off while this file exists; created at the start',
    { live: 'postponeFlagFile' },
  ),
} satisfies Record<string, OptionSpec>;
