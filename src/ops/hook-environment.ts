import type { Moment, MomentFacts } from '../core/moments.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { etaOf, progressPercent } from './status.ts';

/** What hooks are told that is the same all through a run. */
export interface HookConstants {
  /** `--alter` as given. */
  readonly ddl: string;
  readonly dryRun: boolean;
  readonly revert: boolean;
  readonly hint: string;
  readonly hintOwner: string;
  readonly hintToken: string;
}

/** What gh-ost says while it does not know the remaining time: the least number of 64 bits. */
const etaUnknown = '-9223372036854775808';

/**
 * The variables of a hook, as gh-ost names and writes them: durations in seconds and shares in percent, with six decimals.
 * HOOK, WRITER_STOP_MILLIS, COMMAND_ARGUMENT and ERROR are ours.
 */
export function hookVariables(
  moment: Moment,
  snapshot: Snapshot,
  constants: HookConstants,
  facts: MomentFacts = {},
): Record<string, string> {
  const variables = {
    DATABASE_NAME: snapshot.original.schema,
    TABLE_NAME: snapshot.original.name,
    GHOST_TABLE_NAME: snapshot.ghost.name,
    OLD_TABLE_NAME: snapshot.old.name,
    DDL: constants.ddl,
    ELAPSED_SECONDS: seconds(snapshot.elapsedMs),
    ELAPSED_COPY_SECONDS: seconds(snapshot.copyElapsedMs),
    ESTIMATED_ROWS: String(snapshot.rowsEstimate),
    COPIED_ROWS: String(snapshot.rowsCopied),
    MIGRATED_HOST: hostOf(snapshot.applierHost),
    INSPECTED_HOST: hostOf(snapshot.inspectedHost),
    EXECUTING_HOST: snapshot.executingHost,
    INSPECTED_LAG: seconds(snapshot.replicationLagMs),
    HEARTBEAT_LAG: seconds(snapshot.streamLagMs),
    PROGRESS: progressPercent(snapshot).toFixed(6),
    ETA_SECONDS: etaSeconds(snapshot),
    HOOKS_HINT: constants.hint,
    HOOKS_HINT_OWNER: constants.hintOwner,
    HOOKS_HINT_TOKEN: constants.hintToken,
    DRY_RUN: String(constants.dryRun),
    REVERT: String(constants.revert),
    HOOK: `gh-ost-on-${moment}`,
    ...special(moment, snapshot, facts),
  };
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [`GH_OST_${name}`, value]));
}

/** What only this moment has, or only a run that has come so far. */
function special(moment: Moment, snapshot: Snapshot, facts: MomentFacts): Record<string, string> {
  const { error, command, argument = '', status } = facts;
  const { writerStopMs } = snapshot;
  return {
    ...(writerStopMs === null ? {} : { WRITER_STOP_MILLIS: writerStopMs.toFixed(0) }),
    ...(moment === 'success' ? { INSTANT_DDL: String(snapshot.instantDdl) } : {}),
    ...(command === undefined ? {} : { COMMAND: `'${command}'`, COMMAND_ARGUMENT: argument }),
    ...(status === undefined ? {} : { STATUS: `'${status}'` }),
    ...(error === undefined
      ? {}
      : { [moment === 'batch-copy-retry' ? 'LAST_BATCH_COPY_ERROR' : 'ERROR']: error }),
  };
}

/**
 * The environment that a hook inherits: ours without what is secret. Variables of poltergeist and of MySQL's clients that carry
 * passwords are left out, and so is every variable whose value is, or holds, one of `secrets`.
 */
export function withoutSecretVariables(
  env: NodeJS.ProcessEnv,
  secrets: readonly string[],
): NodeJS.ProcessEnv {
  const told = secrets.filter((secret) => secret !== '');
  const clean = Object.entries(env).filter(([name, value]) => {
    if (/^POLTERGEIST_|^MYSQL_PWD$|PASSWORD|PASSWD/i.test(name)) return false;
    return !told.some((secret) => value === secret || (secret.length >= 6 && value?.includes(secret)));
  });
  return Object.fromEntries(clean);
}

function hostOf(address: string): string {
  return address.replace(/:\d+$/, '');
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(6);
}

function etaSeconds(snapshot: Snapshot): string {
  const eta = etaOf(snapshot);
  if (eta === 'unknown') return etaUnknown;
  return eta === 'due' ? '0' : String(Math.floor(eta / 1000));
}
