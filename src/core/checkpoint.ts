import { createHash } from 'node:crypto';
import { Refusal } from '../base/errors.ts';
import type { DeferredIndexes } from './deferral.ts';
import type { Key } from './key.ts';
import type { ColumnPair } from './mapping.ts';
import { type Phase, phases } from './phase.ts';

/**
 * Version of what is stored. It grows when the meaning of a field changes, the encoding of keys among them.
 */
export const checkpointFormat = 1;

/** More marks than a dead run can have written behind the last one that is known of it. */
const marksApart = 1_000_000;

/**
 * A number that no mark of earlier runs exceeds, and all of the next run's do: the stream may bring theirs again, and they say
 * nothing of what that run waits for (I2).
 * @param known numbers of marks of the runs before, the last ones that are known.
 */
export function marksBefore(...known: readonly number[]): number {
  return Math.max(...known) + marksApart;
}

/** What a checkpoint says of the migration as such: written once, compared when the migration is to go on. */
export interface CheckpointTask {
  /** Version of the tool that began it. */
  readonly tool: string;
  /** The ALTER's clauses, and their hash. */
  readonly statement: string;
  readonly statementHash: string;
  /** SHOW CREATE TABLE of both tables, without the counter. */
  readonly originalSql: string;
  readonly ghostSql: string;
  /**
   * Fingerprint of what follows from them and from the options: columns copied, values filled in, key, time
   * zone.
   */
  readonly planHash: string;
  /** Where the columns of the original go, for who reverts; none where an older version wrote it. */
  readonly columns: readonly ColumnPair[];
  /** Which server the tables are on (ServerFacts.uuid), and its flavor. */
  readonly server: string;
  readonly flavor: string;
  /** Indexes that `ghostSql` has and the ghost gets after the copy; null where there are none. */
  readonly deferred: DeferredIndexes | null;
  /** Name of the old table: it may have the time of the first start in it. */
  readonly oldName: string;
  readonly startedAtMs: number;
}

/**
 * All up to `low` is copied, in the order of the migration key; null = nothing. `complete`: everything is.
 */
export interface CopiedPrefix {
  readonly complete: boolean;
  readonly low: Key | null;
}

/** Whether a prefix has no row in it. */
export function isNothing({ complete, low }: CopiedPrefix): boolean {
  return !complete && low === null;
}

/**
 * What a checkpoint says of the verification: all within `prefix` was found equal in the pass that is under way, but for keys
 * that were touched behind `position`.
 */
export interface VerifiedState {
  /** Text of a position at or before the state's own. */
  readonly position: string;
  /** Fingerprint of what is compared, and how. */
  readonly comparison: string;
  readonly prefix: CopiedPrefix;
  /** Rows and chunks within the prefix, and those of a sample that were passed over. */
  readonly rows: number;
  readonly chunks: number;
  readonly chunksSkipped: number;
  /** Changes of rows that were not compared again, and will not be. */
  readonly notCompared: number;
  /** Rows that were repaired and found right since, in this pass or before it, and their names: none of them may differ again. */
  readonly repaired: number;
  readonly repairedRows: readonly string[];
  /** Columns that are not compared. */
  readonly leftOut: readonly string[];
}

/**
 * What a checkpoint says of how far it is. Position and prefix are of one moment, and claim only what is
 * applied (I8).
 */
export interface CheckpointState {
  /** Text of a position before the oldest change that is not applied. */
  readonly position: string;
  /** Whose binlog it is a position in (ServerFacts.uuid); empty where an older version wrote it: the task's server. */
  readonly streamed: string;
  readonly prefix: CopiedPrefix;
  readonly phase: Phase;
  readonly rowsCopied: number;
  /** Rows a chunk had lately: the next run begins with chunks of this size. */
  readonly chunkRows: number;
  /** Number of the last mark written. */
  readonly marks: number;
  /**
   * Whatever the binlog has for the original from `position` to the RENAME, if that has come to pass, came after the drain
   * (I7); false too where an older version wrote it.
   */
  readonly drained: boolean;
  /** The tables are swapped, and no write is in the old one only (I7); false too where an older version wrote it. */
  readonly settled: boolean;
  /** How far the verification is; null where nothing is verified, or an older version wrote it. */
  readonly verified: VerifiedState | null;
  /** The ghost's columns of which values may have been cut or changed (`--allow-lossy`); none where an older version wrote it. */
  readonly lossy: readonly string[];
  /** The live settings, for people. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The hash by which statements are compared. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** A key as text of plain ASCII: its bytes may be any (HAZARDS 59). `n:12` or `x:` and hex. */
export function keyToText(key: Key): string {
  return typeof key === 'number' ? `n:${key}` : `x:${Buffer.from(key, 'latin1').toString('hex')}`;
}

/** Reverse of `keyToText`. @throws Refusal `checkpoint-unreadable`. */
export function keyFromText(text: string): Key {
  const number = /^n:(-?\d+)$/.exec(text)?.[1];
  if (number !== undefined && Number.isSafeInteger(Number(number))) return Number(number);
  const hex = /^x:((?:[0-9a-f]{2})*)$/.exec(text)?.[1];
  if (hex === undefined) throw unreadable(`'${text.slice(0, 80)}' is no key`);
  return Buffer.from(hex, 'hex').toString('latin1');
}

/** A state as it is stored. */
export function stateToText(state: CheckpointState): string {
  const { prefix, verified } = state;
  return JSON.stringify({
    ...state,
    prefix: prefixToText(prefix),
    verified: verified && { ...verified, prefix: prefixToText(verified.prefix) },
  });
}

/** Reverse of `stateToText`. @throws Refusal `checkpoint-unreadable`. */
export function stateFromText(text: string): CheckpointState {
  const raw = parse(text);
  const phase = phases.find((known) => known === raw.phase);
  if (phase === undefined) throw unreadable(`'${raw.phase}' is no phase`);
  return {
    position: textOf(raw, 'position'),
    streamed: raw.streamed === undefined ? '' : textOf(raw, 'streamed'),
    prefix: prefixOf(raw, 'copy'),
    phase,
    rowsCopied: countOf(raw, 'rowsCopied'),
    chunkRows: countOf(raw, 'chunkRows'),
    marks: countOf(raw, 'marks'),
    drained: raw.drained === true,
    settled: raw.settled === true,
    verified: verifiedOf(raw),
    lossy: namesOf(raw, 'lossy'),
    settings: (raw.settings ?? {}) as Readonly<Record<string, unknown>>,
  };
}

/** A task as it is stored. */
export function taskToText(task: CheckpointTask): string {
  return JSON.stringify(task);
}

/** Reverse of `taskToText`. @throws Refusal `checkpoint-unreadable`. */
export function taskFromText(text: string): CheckpointTask {
  const raw = parse(text);
  return {
    tool: textOf(raw, 'tool'),
    statement: textOf(raw, 'statement'),
    statementHash: textOf(raw, 'statementHash'),
    originalSql: textOf(raw, 'originalSql'),
    ghostSql: textOf(raw, 'ghostSql'),
    planHash: textOf(raw, 'planHash'),
    columns: columnsOf(raw),
    server: textOf(raw, 'server'),
    flavor: textOf(raw, 'flavor'),
    deferred: deferredOf(raw),
    oldName: textOf(raw, 'oldName'),
    startedAtMs: countOf(raw, 'startedAtMs'),
  };
}

/** The refusal of a checkpoint that says nothing that we understand. */
export function unreadable(why: string, more = ''): Refusal {
  return new Refusal('checkpoint-unreadable', `the checkpoint cannot be read: ${why}. Nothing was touched.`, {
    hint: `${more}Start over without --resume, with --initially-drop-ghost-table; or run poltergeist cleanup.`,
  });
}

type Raw = Readonly<Record<string, unknown>>;

function parse(text: string): Raw {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Raw;
  } catch {
    // Said below.
  }
  throw unreadable('it is not what was written');
}

function prefixToText({ complete, low }: CopiedPrefix): object {
  return { complete, low: low === null ? null : keyToText(low) };
}

function prefixOf(raw: Raw, what: string): CopiedPrefix {
  const prefix = raw.prefix as { complete?: unknown; low?: unknown } | null | undefined;
  const low = prefix?.low;
  if (typeof prefix?.complete !== 'boolean' || (low !== null && typeof low !== 'string'))
    throw unreadable(`it does not say how far the ${what} was`);
  return { complete: prefix.complete, low: low === null ? null : keyFromText(low) };
}

/** Absent where an earlier version wrote it: then nothing is verified. */
function verifiedOf({ verified }: Raw): VerifiedState | null {
  if (verified === undefined || verified === null) return null;
  const raw = verified as Raw;
  return {
    position: textOf(raw, 'position'),
    comparison: textOf(raw, 'comparison'),
    prefix: prefixOf(raw, 'verification'),
    rows: countOf(raw, 'rows'),
    chunks: countOf(raw, 'chunks'),
    chunksSkipped: countOf(raw, 'chunksSkipped'),
    notCompared: countOf(raw, 'notCompared'),
    repaired: countOf(raw, 'repaired'),
    // Absent where an earlier version wrote it.
    repairedRows: namesOf(raw, 'repairedRows'),
    leftOut: namesOf(raw, 'leftOut'),
  };
}

/** Absent where an earlier version wrote it. What is there is what `taskToText` wrote. */
function deferredOf({ deferred }: Raw): DeferredIndexes | null {
  if (deferred === undefined || deferred === null) return null;
  const { indexes, steps } = deferred as Partial<DeferredIndexes>;
  if (!Array.isArray(indexes) || !Array.isArray(steps)) throw unreadable('it has no deferred indexes');
  return { indexes, steps };
}

function columnsOf({ columns = [] }: Raw): readonly ColumnPair[] {
  if (!Array.isArray(columns)) throw unreadable('it has no columns');
  return columns as readonly ColumnPair[];
}

/** @returns none where there is no such field. */
function namesOf(raw: Raw, name: string): readonly string[] {
  const value = raw[name] ?? [];
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw unreadable(`its ${name} are no names`);
}

function textOf(raw: Raw, name: string): string {
  const value = raw[name];
  if (typeof value === 'string') return value;
  throw unreadable(`it has no ${name}`);
}

function countOf(raw: Raw, name: string): number {
  const value = raw[name];
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw unreadable(`it has no ${name}`);
}
