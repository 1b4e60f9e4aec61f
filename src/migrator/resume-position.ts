import { Refusal } from '../base/errors.ts';
import { isNothing, type VerifiedState } from '../core/checkpoint.ts';
import { findMissing, isPortable, type MissingPosition } from '../mysql/checkpoint-position.ts';
import type { StoredCheckpoint } from '../mysql/checkpoint-table.ts';
import type { MigrationParts } from './config.ts';
import type { Survey } from './inspect.ts';
import { addressOf, withInspected } from './topology.ts';

const removal = 'To start over: poltergeist cleanup with --execute, then this command without --resume.';
/** Another replica may be a little behind the one before. */
const catchUp = { timeoutMs: 60_000, pollMs: 500 };

/** The refusal of `--resume`. */
export function cannotResume(code: string, message: string, hint: string): Refusal {
  return new Refusal(code, `cannot resume: ${message}. Nothing was touched.`, { hint: `${hint} ${removal}` });
}

/**
 * Refuses to go on where the stream cannot: GTIDs mean the same on every server of the topology, a file and an offset
 * only on the one whose they are.
 * @throws Refusal `other-streamed-server`, `position-purged`, `position-unknown`.
 */
export async function refusePosition(
  { task, state }: StoredCheckpoint,
  { streamed }: Survey,
  parts: MigrationParts,
  refuse = cannotResume,
): Promise<void> {
  const { clock, config, log } = parts;
  const { position } = state;
  const before = state.streamed || task.server;
  const isOther = before !== streamed.uuid;
  if (isOther && !isPortable(position)) {
    throw refuse(
      'other-streamed-server',
      `its position ${position} is a file and an offset in the binlog of the server ${before}, and says nothing on ` +
        `${addressOf(config.inspected)} (${streamed.uuid})`,
      'Point --host at the server of the first run; positions are good on every replica where servers use GTIDs (gtid_mode=ON).',
    );
  }
  const startMs = clock.nowMs();
  for (;;) {
    const missing = await withInspected(parts, (session) => findMissing(session, position));
    if (missing === null) break;
    const mayCome = isOther && missing.code === 'unknown' && clock.nowMs() - startMs < catchUp.timeoutMs;
    if (!mayCome) throw notThere(position, missing, refuse);
    await clock.sleep(catchUp.pollMs);
  }
  if (isOther)
    log.warn(
      {},
      `the change stream goes on at ${addressOf(config.inspected)}, not at the server of the run before`,
    );
}

/**
 * What a checkpoint says of the verification. Its position may lie before the checkpoint's own: where the stream cannot be read from
 * there any more, nothing counts as verified.
 */
export async function verifiedBefore(
  { state: { verified, prefix } }: StoredCheckpoint,
  parts: MigrationParts,
): Promise<VerifiedState | null> {
  if (verified === null || isNothing(verified.prefix)) return verified;
  const { position } = verified;
  const missing = prefix.complete
    ? await withInspected(parts, (session) => findMissing(session, position))
    : { why: 'not all rows are copied' };
  if (missing === null) return verified;
  parts.log.warn({ position }, `the verification starts over: ${missing.why}`);
  return { ...verified, prefix: { complete: false, low: null } };
}

function notThere(position: string, { code, why }: MissingPosition, refuse: typeof cannotResume): Refusal {
  return refuse(
    `position-${code}`,
    `the binlog cannot be read on from ${position}: ${why}`,
    code === 'purged'
      ? 'What was changed since cannot be known, so the copy cannot be gone on with. Let the server keep its binlogs longer.'
      : 'The server was restored, reset or replaced, or it is a replica far behind the one before.',
  );
}
