import { quoteTable } from './quote.ts';
import type { TableRef } from './table-ref.ts';

/** The comment on every table that we make, so that a later run knows what is ours. */
export const artifactComment = 'poltergeist';

/** The comment on a sentry: it must never be taken for an old table. */
export const sentryComment = 'poltergeist sentry: empty, holds the place of the old table';

/** The row that every mark updates. */
export const markRowId = 1;

/** CREATE TABLE of the changelog, with its one row of marks in a second statement. */
export function createChangelogSql(changelog: TableRef): readonly string[] {
  const table = quoteTable(changelog);
  return [
    `CREATE TABLE ${table} (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  hint VARCHAR(64) CHARACTER SET ascii NOT NULL,
  sequence BIGINT UNSIGNED NOT NULL,
  written_at_ms BIGINT UNSIGNED NOT NULL,
  value VARCHAR(4096) CHARACTER SET utf8mb4 NOT NULL DEFAULT '',
  UNIQUE KEY hint (hint)
) ENGINE=InnoDB COMMENT='${artifactComment} changelog'`,
    `INSERT INTO ${table} (id, hint, sequence, written_at_ms) VALUES (${markRowId}, 'heartbeat', 0, 0)`,
  ];
}

/** The write that is a mark and a heartbeat. */
export function markSql(changelog: TableRef, sequence: number, writtenAtMs: number): string {
  const at = Math.round(writtenAtMs);
  return `UPDATE ${quoteTable(changelog)} SET sequence = ${sequence}, written_at_ms = ${at} WHERE id = ${markRowId}`;
}

/** The row by which the arrival of our tables on a replica is seen. It is no mark: its number is none. */
const barrierRowId = 2;

/** Written after our tables were made. @param token a number of this run only. */
export function barrierSql(changelog: TableRef, token: number): string {
  const values = `${barrierRowId}, 'barrier', 0, ${token}`;
  return `REPLACE INTO ${quoteTable(changelog)} (id, hint, sequence, written_at_ms) VALUES (${values})`;
}

/** Has a row where the barrier has arrived. */
export function readBarrierSql(changelog: TableRef, token: number): string {
  return `SELECT id FROM ${quoteTable(changelog)} WHERE id = ${barrierRowId} AND written_at_ms = ${token}`;
}

/** Reads the heartbeat, on any server that has a copy of the changelog. */
export function readHeartbeatSql(changelog: TableRef): string {
  return `SELECT written_at_ms FROM ${quoteTable(changelog)} WHERE id = ${markRowId}`;
}
