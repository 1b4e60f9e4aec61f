import { Failure, messageOf } from '../base/errors.ts';
import {
  type CheckpointState,
  type CheckpointTask,
  checkpointFormat,
  stateFromText,
  stateToText,
  taskFromText,
  taskToText,
  unreadable,
} from '../core/checkpoint.ts';
import {
  createCheckpointSql,
  firstCheckpointSql,
  readCheckpointSql,
  takeOverSql,
  writeStateSql,
} from '../core/checkpoint-sql.ts';
import { quoteTable } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import { dropTable } from './artifacts.ts';
import { parsePosition } from './binlog/stream-position.ts';
import { numberOrNull, textOrNull } from './row.ts';
import type { Session } from './session.ts';

/** A checkpoint as it was found. */
export interface StoredCheckpoint {
  readonly runId: string;
  readonly writtenAtMs: number;
  readonly task: CheckpointTask;
  readonly state: CheckpointState;
}

/** Creates the table without a row, replacing one that an earlier run of ours has left. */
export async function createCheckpointTable(session: Session, table: TableRef): Promise<void> {
  await dropTable(session, table);
  await session.execute(createCheckpointSql(table));
}

/**
 * Reads the checkpoint.
 * @param table must exist, and be ours.
 * @returns null when none has been written yet.
 * @throws Refusal `checkpoint-unreadable`; ServerError, SessionError.
 */
export async function readCheckpoint(session: Session, table: TableRef): Promise<StoredCheckpoint | null> {
  const [row] = await session.query(readCheckpointSql(table));
  if (!row) return null;
  const format = row.format === undefined ? null : numberOrNull(row, 'format');
  if (format !== checkpointFormat)
    throw unreadable(
      `it has format ${format}, and this version reads format ${checkpointFormat}`,
      'Resume with the version that has begun it. ',
    );
  const column = (name: string): string => {
    if (row[name] === undefined) throw unreadable(`it has no ${name}`);
    return textOrNull(row, name) ?? '';
  };
  const state = stateFromText(column('state'));
  for (const position of [state.position, state.verified?.position]) checkPosition(position);
  return {
    runId: column('run_id'),
    writtenAtMs: Number(column('written_at_ms')),
    task: taskFromText(column('task')),
    state,
  };
}

function checkPosition(position: string | undefined): void {
  try {
    if (position !== undefined) parsePosition(position);
  } catch (error) {
    throw unreadable(messageOf(error));
  }
}

/** Writes the first checkpoint of a migration. */
export async function writeFirstCheckpoint(
  session: Session,
  table: TableRef,
  { runId, writtenAtMs, task, state }: StoredCheckpoint,
): Promise<void> {
  const row = { runId, writtenAtMs, task: taskToText(task), state: stateToText(state) };
  await session.execute(firstCheckpointSql(table, row));
}

/**
 * Writes how far it is.
 * @param wallMs must grow from write to write.
 * @throws Failure `lock-lost` when the row is another run's.
 */
export async function writeCheckpoint(
  session: Session,
  table: TableRef,
  runId: string,
  state: CheckpointState,
  wallMs: number,
): Promise<void> {
  const sql = writeStateSql(table, runId, stateToText(state), wallMs);
  const { affectedRows } = await session.execute(sql);
  if (affectedRows === 0) throw takenOver(table);
}

/**
 * Makes the checkpoint of a migration that has ended well say so, and where in the stream its tables were swapped.
 * @param swappedAt text of the position right behind the RENAME; null where it is not known.
 * @returns false where a revert could not go by it.
 */
export async function finishCheckpoint(
  session: Session,
  table: TableRef,
  swappedAt: string | null,
  wallMs: number,
): Promise<boolean> {
  const stored = await readCheckpoint(session, table);
  if (stored?.state.phase === 'done') return true;
  if (!stored || swappedAt === null) return false;
  const state: CheckpointState = { ...stored.state, phase: 'done', settled: true, position: swappedAt };
  await writeCheckpoint(session, table, stored.runId, state, Math.max(wallMs, stored.writtenAtMs + 1));
  return true;
}

/** Makes the checkpoint this run's: the one before cannot write it any more. @throws Failure `lock-lost`. */
export async function takeOver(session: Session, table: TableRef, from: string, to: string): Promise<void> {
  const { affectedRows } = await session.execute(takeOverSql(table, from, to));
  if (affectedRows === 0) throw takenOver(table);
}

function takenOver(table: TableRef): Failure {
  return new Failure(`the checkpoint ${quoteTable(table)} is not this run's any more`, {
    hint: 'The original is untouched. Another run has taken it over, or somebody emptied the checkpoint.',
    reason: 'lock-lost',
  });
}

/** The number of the last mark that is committed in a changelog. */
export async function readLastMark(session: Session, changelog: TableRef): Promise<number> {
  const [row] = await session.query(`SELECT MAX(sequence) AS last FROM ${quoteTable(changelog)}`);
  return row ? Number(textOrNull(row, 'last') ?? 0) : 0;
}
