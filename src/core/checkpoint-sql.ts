import { artifactComment } from './changelog-sql.ts';
import { checkpointFormat } from './checkpoint.ts';
import type { Key, KeyCodec } from './key.ts';
import { rangeCondition } from './key-range.ts';
import { quoteName, quoteTable, quoteText } from './quote.ts';
import type { TableRef } from './table-ref.ts';

/** The one row. */
const rowId = 1;

/** CREATE TABLE of the checkpoint. It has no row until the first one is written. */
export function createCheckpointSql(table: TableRef): string {
  return `CREATE TABLE ${quoteTable(table)} (
  id INT UNSIGNED NOT NULL PRIMARY KEY,
  format INT UNSIGNED NOT NULL,
  run_id CHAR(36) CHARACTER SET ascii NOT NULL,
  written_at_ms BIGINT UNSIGNED NOT NULL,
  task LONGTEXT CHARACTER SET utf8mb4 NOT NULL,
  state LONGTEXT CHARACTER SET utf8mb4 NOT NULL
) ENGINE=InnoDB COMMENT='${artifactComment} checkpoint'`;
}

/** The whole row. */
export interface CheckpointRow {
  /**
   * Of the run that writes: who resumes takes the row over, and a run that is not the row's any more must not
   * write.
   */
  readonly runId: string;
  readonly writtenAtMs: number;
  readonly task: string;
  readonly state: string;
}

/** Writes the row for the first time; again, where the answer was lost. */
export function firstCheckpointSql(table: TableRef, row: CheckpointRow): string {
  const at = Math.round(row.writtenAtMs);
  const values = [
    rowId,
    checkpointFormat,
    quoteText(row.runId),
    at,
    quoteText(row.task),
    quoteText(row.state),
  ];
  const columns = 'id, format, run_id, written_at_ms, task, state';
  return `REPLACE INTO ${quoteTable(table)} (${columns}) VALUES (${values.join(', ')})`;
}

/** Writes the state. It finds no row when another run has taken it over, or a later one has been written. */
export function writeStateSql(table: TableRef, runId: string, state: string, writtenAtMs: number): string {
  const at = Math.round(writtenAtMs);
  return (
    `UPDATE ${quoteTable(table)} SET state = ${quoteText(state)}, written_at_ms = ${at} ` +
    `WHERE id = ${rowId} AND run_id = ${quoteText(runId)} AND written_at_ms < ${at}`
  );
}

/** Makes the row another run's; said again it changes nothing. */
export function takeOverSql(table: TableRef, from: string, to: string): string {
  return (
    `UPDATE ${quoteTable(table)} SET run_id = ${quoteText(to)} ` +
    `WHERE id = ${rowId} AND run_id IN (${quoteText(from)}, ${quoteText(to)})`
  );
}

/** Reads the row. Any column may be missing in a table of another format. */
export function readCheckpointSql(table: TableRef): string {
  return `SELECT * FROM ${quoteTable(table)} WHERE id = ${rowId}`;
}

/** Removes some rows of the ghost whose keys are above `low`; to be said again until there are none. */
export function clearAboveSql(ghost: TableRef, codec: KeyCodec, low: Key, limit: number): string {
  const columns = codec.columns.map(({ name }) => quoteName(name)).join(', ');
  return (
    `DELETE FROM ${quoteTable(ghost)} WHERE ${rangeCondition(codec, { after: low, upTo: null })} ` +
    `ORDER BY ${columns} LIMIT ${limit}`
  );
}
