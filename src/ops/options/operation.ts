import { choice, flag, int, list, type OptionSpec, path, text } from './spec.ts';

/** How to reach a running migration. */
export const controlOptions = {
  'serve-socket-file': path('C', 'unix socket for commands; not given: <tmpdir>/gh-ost.<db>.<table>.sock'),
  'initially-drop-socket-file': flag('C', 'remove a socket file that is there at the start'),
  'serve-tcp-port': int('N', 0, [0, 65_535], 'TCP port for commands; 0 = none'),
  'serve-tcp-address': text(
    'P',
    '127.0.0.1',
    'address of the TCP port; any but a loopback address needs --serve-tcp-token',
  ),
  'serve-tcp-token': text(
    'P',
    null,
    'what clients by TCP have to send first, in a line "token <token>"; without spaces, better in a --conf file',
    { secret: true },
  ),
  'force-named-cut-over': flag('N', 'unpostpone, no-postpone and cut-over must name the table'),
  'force-named-panic': flag('N', 'panic must name the table'),
  'panic-flag-file': path('C', 'abandon at once, without cleaning up, when this file exists'),
} satisfies Record<string, OptionSpec>;

/** Programs of the operator's own. */
export const hookOptions = {
  'hooks-path': path('C', 'folder of the hooks: programs that are run at the moments of a migration'),
  'hooks-hint': text('N', '', 'told to hooks as GH_OST_HOOKS_HINT'),
  'hooks-hint-owner': text('N', '', 'told to hooks as GH_OST_HOOKS_HINT_OWNER'),
  'hooks-hint-token': text('N', '', 'told to hooks as GH_OST_HOOKS_HINT_TOKEN'),
  'hooks-status-interval': int('N', 60, [1, 86_400], 'seconds between two runs of the on-status hook'),
  'hooks-timeout-seconds': int(
    'P',
    300,
    [1, 86_400],
    'time that one hook may take; then it is ended with its process group, and has failed',
  ),
} satisfies Record<string, OptionSpec>;

/** Figures for a StatsD server. */
export const statsdOptions = {
  'statsd-addr': text(
    'N',
    '',
    'StatsD server that gets figures of the run: host:port (UDP) or a unix stream socket',
  ),
  'statsd-tags': list('N', 'key:value, on every figure; may be given several times', { repeatable: true }),
  'runtime-metrics-interval': int(
    'N',
    10,
    [0, 86_400],
    'seconds between figures of this process itself (memory, delay of the event loop); 0: none',
  ),
} satisfies Record<string, OptionSpec>;

/** What is printed. */
export const outputOptions = {
  verbose: flag('U', 'log INFO and above'),
  debug: flag('U', 'log everything'),
  quiet: flag('U', 'log errors only'),
  stack: flag('N', 'print the stack trace of an error'),
  'log-format': choice(
    'P',
    ['auto', 'text', 'json'],
    'lines of the log: text, json, or auto (text, with colours on a terminal)',
  ),
  'check-flag': flag('C', 'exit with 0 when all other options can be read', { commandLineOnly: true }),
  help: flag('U', 'print this and exit', { commandLineOnly: true }),
  version: flag('U', 'print the version and exit', { commandLineOnly: true }),
} satisfies Record<string, OptionSpec>;

const samePort = 'servers are told apart by their server_uuid, whatever the address';

/** What gh-ost's scripts may give and what has no meaning here. */
export const legacyOptions = {
  charset: list('N', 'character sets of the connection', {
    withoutEffect: 'sessions speak utf8mb4 and values never pass through this process',
  }),
  'skip-metadata-lock-check': flag('C', 'cut over where nobody can see who holds the table', {
    withoutEffect:
      'where locks cannot be seen, a session that asks for the table sees whether it is kept from it',
  }),
  'panic-on-warnings': flag('U', 'stop at warnings of the copy', {
    withoutEffect:
      'what would be a warning is an error, but for columns of --allow-lossy and --skip-strict-mode',
  }),
  'skip-port-validation': flag('C', 'do not compare --port with the port of the server', {
    withoutEffect: samePort,
  }),
  'aliyun-rds': flag('V', 'the server is Aliyun RDS', { withoutEffect: samePort }),
  gcp: flag('V', 'the server is Google Cloud SQL', { withoutEffect: samePort }),
  azure: flag('V', 'the server is Azure Database', { withoutEffect: samePort }),
  tungsten: flag('V', 'the topology is Tungsten', {
    withoutEffect: 'nothing depends on it: name the primary with --host',
  }),
  'replication-lag-query': text('V', null, 'query for the replication lag', {
    withoutEffect: 'deprecated: the lag is read from the heartbeat',
  }),
} satisfies Record<string, OptionSpec>;
