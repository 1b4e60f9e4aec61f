import type { Clock } from '../base/clock.ts';
import { quoteTable } from '../core/quote.ts';
import { dropLeftovers, findLeftovers, type Leftover, type Remnants } from '../migrator/cleanup.ts';
import { dataProfile } from '../mysql/profile.ts';
import { RunLock } from '../mysql/run-lock.ts';
import { Session } from '../mysql/session.ts';
import { findTopology } from '../mysql/topology.ts';
import { connectionOf, topologyOf } from './migration-config.ts';
import type { OptionValues } from './options.ts';
import { targetOf } from './target.ts';

/** What the command works with. */
export interface CleanUpParts {
  readonly password: string;
  readonly clock: Clock;
  /** Lines for stdout. */
  readonly print: (line: string) => void;
}

/**
 * `poltergeist cleanup`: removes what a dead run has left, on the server that such a run writes to, with
 * --execute; otherwise says what it would remove.
 * @throws Refusal `already-running` while a run of the table is alive; `not-found`; as `findTopology`.
 */
export async function cleanUp(options: OptionValues, parts: CleanUpParts): Promise<void> {
  const { password, clock, print } = parts;
  const { applied } = await findTopology(connectionOf(options, password), topologyOf(options), clock);
  const { connection } = applied;
  const table = targetOf(options);
  const names = { baseName: options.forceTableNames ?? undefined };
  // Before anything is looked at: what is found must stay what it is.
  const lock = await RunLock.take(connection, clock, table);
  try {
    const session = await Session.open(connection, { profile: dataProfile, clock, name: 'clean-up' });
    try {
      const { okToDropTable } = options;
      const task = { table, names, okToDropTable, ...(options.execute ? { clock } : {}) };
      const { leftovers: found, resumable } = await findLeftovers(session, task);
      if (resumable && !options.execute) print(tellResumable(resumable));
      if (found.length === 0) print(`# nothing of ours is beside ${quoteTable(table)}`);
      const going = options.execute ? await dropLeftovers(session, found) : [];
      for (const leftover of found) print(describe(leftover, going.includes(leftover)));
      if (!options.execute && found.some(({ kept }) => kept === null))
        print('# nothing was removed yet: the same command with --execute removes them');
    } finally {
      await session.close();
    }
  } finally {
    await lock.release();
  }
}

/** What is lost with what is removed. */
function tellResumable({ state, writtenAtMs }: NonNullable<Remnants['resumable']>): string {
  const { prefix, rowsCopied, verified } = state;
  const copied = `${prefix.complete ? 'all' : rowsCopied} rows are copied`;
  const compared = verified && verified.rows > 0 ? `, ${verified.rows} of them verified` : '';
  const at = new Date(writtenAtMs).toISOString();
  return `# ${copied}${compared} as of ${at}: --resume goes on from there; once this is removed a run starts over`;
}

function describe({ ref, what, kept }: Leftover, removed: boolean): string {
  const table = `${what} ${quoteTable(ref)}`;
  if (kept !== null) return `# kept: ${table}: ${kept}`;
  return removed ? `# removed: ${table}` : `# would remove: ${table}`;
}
