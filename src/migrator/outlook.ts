import { messageOf } from '../base/errors.ts';
import { ageInWords } from '../mysql/inspector/table-locks.ts';
import { connectedReplicas, lagInWords, type OwnAlgorithm, ownAlgorithm } from '../mysql/plan-probe.ts';
import { dataProfile } from '../mysql/profile.ts';
import { splitAddress } from '../mysql/replica-lag.ts';
import { scratchOf } from '../mysql/scratch.ts';
import { Session } from '../mysql/session.ts';
import type { MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';

const replicaTimeoutMs = 3000;
/** A transaction that is younger is on its way out. */
const oldSeconds = 2;

/** What a reviewer wants to know of a migration besides its plan. */
export interface Outlook {
  /** How the server would do it by itself. */
  readonly algorithm: OwnAlgorithm;
  /** Sessions that have held the table for a while, in words. */
  readonly holders: readonly string[];
  /** Control replicas with their lag, in words. */
  readonly controlReplicas: readonly string[];
  /** Servers that read the binlog; null when the account may not ask. */
  readonly replicas: readonly string[] | null;
}

/** Looks around, and leaves nothing. @throws what the connection throws. */
export async function lookAround(session: Session, found: Survey, parts: MigrationParts): Promise<Outlook> {
  const { original, artifacts, alter, inspection } = found;
  const scratch = scratchOf(artifacts.changelog);
  const old = inspection.locks.filter(({ granted, ageSeconds }) => granted && ageSeconds >= oldSeconds);
  return {
    algorithm: alter.text === '' ? 'unknown' : await ownAlgorithm(session, original.ref, scratch, alter.text),
    holders: old.map((lock) => {
      const { threadId, account, mode } = lock;
      const may = mode === 'POSSIBLE' ? ' (this server does not tell which tables it holds)' : '';
      return `connection ${threadId} (${account}) ${ageInWords(lock)}${may}`;
    }),
    controlReplicas: await Promise.all(
      parts.settings.throttleControlReplicas.map((replica) => lagOf(replica, parts)),
    ),
    replicas: await connectedReplicas(session),
  };
}

async function lagOf(replica: string, { config, clock }: MigrationParts): Promise<string> {
  const { host, port } = splitAddress(replica, config.inspected.port);
  const options = config.inspected.with({ host, port, connectTimeoutMs: replicaTimeoutMs });
  const profile = { ...dataProfile, statementTimeoutMs: replicaTimeoutMs };
  try {
    const session = await Session.open(options, { profile, clock, name: `replica ${replica}` });
    try {
      return `${replica}: ${await lagInWords(session)}`;
    } finally {
      await session.close();
    }
  } catch (error) {
    return `${replica}: cannot be reached, which throttles: ${messageOf(error)}`;
  }
}
