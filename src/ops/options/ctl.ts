import { flag, int, type OptionSpec, path, text } from './spec.ts';

/** The options of `poltergeist ctl`; what comes after them is the command. */
export const ctlOptions = {
  socket: path('P', 'socket of the run; not given: the default one of --database and --table'),
  tcp: text('P', null, 'host:port of the run instead of a socket'),
  token: text('P', null, 'token for --tcp; better in the environment as POLTERGEIST_TOKEN', { secret: true }),
  database: text('P', null, 'schema of the table that is migrated'),
  table: text('P', null, 'the table that is migrated'),
  'timeout-seconds': int('P', 90, [1, 3600], 'how long to wait for an answer, seconds'),
  help: flag('P', 'print this and exit'),
} satisfies Record<string, OptionSpec>;
