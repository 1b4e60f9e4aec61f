import { messageOf, Transient } from '../base/errors.ts';
import { quoteTable } from '../core/quote.ts';
import { findTable } from '../mysql/inspector/table-entry.ts';
import { dataProfile } from '../mysql/profile.ts';
import { controlReplication } from '../mysql/replication-control.ts';
import { readReplication } from '../mysql/replication-status.ts';
import type { ServerFlavor } from '../mysql/server.ts';
import { Session } from '../mysql/session.ts';
import type { MigrationLog, MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';

/** STOP REPLICA waits for what is being applied. */
const controlMs = 120_000;

/**
 * Replication of the replica on which a migration is tested (`--test-on-replica`): nobody may write between the swap and the
 * swap back, or the original would lack it. For other migrations it does nothing.
 *
 * States: as it was -> stopped, by us or by others (`stop`, before each attempt; proven by the server's status) -> as it was
 * (`undo`, after an attempt that failed) | left stopped (after the swap: both tables are there to be compared).
 */
export class ReplicationStop {
  readonly #parts: MigrationParts;
  readonly #flavor: ServerFlavor;
  #stopped = false;

  constructor(parts: MigrationParts, flavor: ServerFlavor) {
    this.#parts = parts;
    this.#flavor = flavor;
  }

  /**
   * @throws Transient while somebody still applies changes; what the hook throws; ServerError where the account may not
   *   stop replication.
   */
  async stop(signal: AbortSignal): Promise<void> {
    const { config, log, moments } = this.#parts;
    const { testOnly, skipReplicaStop } = config.topology;
    if (!testOnly) return;
    await moments?.reach('stop-replication', signal);
    await this.#withSession(async (session) => {
      if (!skipReplicaStop && (await isReplicating(session))) {
        this.#stopped = true;
        await controlReplication(session, this.#flavor, 'stop');
        log.info({}, 'replication is stopped for the test');
      }
      const applying = (await readReplication(session))?.some((channel) => channel.applying) ?? true;
      if (!applying) return;
      throw new Transient(
        'replication still applies changes: the tables cannot be swapped and swapped back under it',
        {
          hint:
            'The original is untouched. With --test-on-replica-skip-replica-stop the hook gh-ost-on-stop-replication, or you, ' +
            'must stop it (STOP REPLICA) before the cut-over.',
        },
      );
    }, signal);
  }

  /** Replication as it was before. Never throws: an error that is to be told has led here. */
  async undo(): Promise<void> {
    const { config, log, moments } = this.#parts;
    if (!config.topology.testOnly) return;
    try {
      await moments?.reach('start-replication');
      if (!this.#stopped) return;
      await this.#withSession((session) => controlReplication(session, this.#flavor, 'start'));
      this.#stopped = false;
      log.info({}, 'replication is started again');
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'replication could not be started again: START REPLICA');
    }
  }

  async #withSession(work: (session: Session) => Promise<void>, signal?: AbortSignal): Promise<void> {
    const { config, clock } = this.#parts;
    const profile = { ...dataProfile, statementTimeoutMs: controlMs };
    const setup = { profile, clock, name: 'replication', ...(signal ? { signal } : {}) };
    const session = await Session.open(config.connection, setup);
    try {
      await work(session);
    } finally {
      await session.close();
    }
  }
}

async function isReplicating(session: Session): Promise<boolean> {
  return (await readReplication(session))?.some(({ fetching, applying }) => fetching || applying) ?? true;
}

/**
 * After the test both tables are there to be compared: the original under its name, the new one as the ghost. Said again it
 * changes nothing: an answer may have been lost.
 */
export async function swapBack(
  session: Session,
  { original, artifacts }: Survey,
  log: MigrationLog,
): Promise<void> {
  const [table, ghost, old] = [original.ref, artifacts.ghost, artifacts.old].map(quoteTable);
  const isDone = (await findTable(session, artifacts.ghost)) && !(await findTable(session, artifacts.old));
  if (!isDone) await session.execute(`RENAME TABLE ${table} TO ${ghost}, ${old} TO ${table}`);
  log.info({}, `tested: ${table} is the original again, the new table is ${ghost}; compare and drop it`);
  log.warn(
    {},
    'replication is left stopped, so that the tables can be compared: START REPLICA when you are done',
  );
}
