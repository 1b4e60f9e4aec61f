import type { Clock } from '../base/clock.ts';
import type { DeferMode } from '../core/deferral.ts';
import type { Meter } from '../core/meter.ts';
import type { Moments } from '../core/moments.ts';
import type { NameOptions } from '../core/names.ts';
import type { LiveSettings } from '../core/settings.ts';
import type { CutOverStep } from '../core/swap-port.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { TriggerOptions } from '../core/trigger-sql.ts';
import type { ConnectionOptions } from '../mysql/connection-options.ts';
import type { RefusalOptions } from '../mysql/inspector/refusals.ts';
import type { CutOverKind } from '../mysql/swap-ways.ts';
import type { TopologyOptions } from '../mysql/topology.ts';
import type { CriticalLoadOptions, HttpSignalOptions } from './load-signals.ts';

import type { RowCounting } from './row-count.ts';

/** All that a migration is told by its operator. */
export interface MigrationConfig {
  /** The server that is written to; until it has been looked for (migrator/topology.ts), the one that was given. */
  readonly connection: ConnectionOptions;
  /** The server whose binlog is read: the one that was given. */
  readonly inspected: ConnectionOptions;
  readonly topology: TopologyOptions;
  readonly table: TableRef;
  /** `--alter` as given. */
  readonly alter: string;
  /** False: validate, print the plan, and leave nothing behind. */
  readonly execute: boolean;
  readonly refusals: RefusalOptions;
  /** Switch on what shows metadata locks, where it is off. */
  readonly setUpInstruments: boolean;
  /** Existing rows may get zero dates in a new column. */
  readonly allowZeroDates: boolean;
  /** What the server may be let try by itself, before anything is created. */
  readonly attempt: { readonly instant: boolean; readonly inPlace: boolean };
  /** How triggers of the original get to the new table; null: a table with triggers is refused. */
  readonly triggers: TriggerOptions | null;
  readonly approveRenamedColumns: boolean;
  readonly skipRenamedColumns: boolean;
  readonly allowNullableUniqueKey: boolean;
  /** Columns for which values may be cut or changed as a non-strict ALTER would: see core/lossy.ts. */
  readonly allowLossy: readonly string[];
  /** The same for all columns that the ALTER changes. */
  readonly skipStrictMode: boolean;
  readonly names: NameOptions;
  /** Keep the checkpoint of a migration that has ended well, for `--revert`. */
  readonly keepCheckpoint: boolean;
  /** Drop the old table at the end. */
  readonly okToDropTable: boolean;
  /** Build secondary indexes of the ghost after the copy. */
  readonly deferIndexes: DeferMode;
  readonly gtid: 'auto' | 'on' | 'off';
  /** The server id under which the binlog is read; null: a free one. */
  readonly replicaServerId: number | null;
  /** Attempts in a row to connect the stream again; null: the stream's own bound. */
  readonly streamReconnectsMax: number | null;
  /** Workers that copy, null: as many as do no harm (stages/pacer.ts); and sessions that apply. */
  readonly copyWorkers: number | null;
  readonly applySessions: number;
  /** Share of the table that is verified (0: nothing), and the workers for it. */
  readonly verify: { readonly percent: number; readonly workers: number };
  readonly heartbeatIntervalMs: number;
  /** Time between two checkpoints, ms: what a crash costs at the most. */
  readonly checkpointIntervalMs: number;
  /** Whether the rows are counted for the progress. */
  readonly rowCounting: RowCounting;
  /** Our own version, for the checkpoint. */
  readonly toolVersion: string;
  /** Tries of one step before the migration fails (`--default-retries`). */
  readonly retries: number;
  readonly cutOver: {
    readonly kind: CutOverKind;
    /** Count the ghost's statistics before. */
    readonly analyze: boolean;
    readonly lockTimeoutSeconds: number;
    readonly exponentialBackoff: boolean;
    readonly backoffMaxSeconds: number;
  };
  /** Rest while this file exists; null = none. */
  readonly throttleFlagFile: string | null;
  /** The same for many migrations at once; null = none. */
  readonly throttleAdditionalFlagFile: string | null;
  readonly throttle: {
    readonly criticalLoad: CriticalLoadOptions;
    readonly http: HttpSignalOptions;
    /** Replicas are found, besides those that are named. */
    readonly discoverReplicas: boolean;
  };
  /** For the status only: their users are elsewhere. */
  readonly panicFlagFile: string | null;
  readonly socketFile: string | null;
  readonly tcpPort: number | null;
}

/** A log as the migrator needs it; pino's is one. */
export interface MigrationLog {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

/** What a migrator works with besides its configuration. */
export interface MigrationParts {
  readonly config: MigrationConfig;
  readonly settings: LiveSettings;
  readonly clock: Clock;
  readonly log: MigrationLog;
  /** Lines for the operator on stdout: the plan. */
  readonly print: (line: string) => void;
  /** What the operator wants done at the moments of the run. */
  readonly moments?: Moments;
  /** Who wants to know how long things take. */
  readonly meter?: Meter;
  /** Shorter deadlines of statements, for tests; see data-path.ts. */
  readonly statementMs?: Readonly<Record<'copy' | 'sync' | 'ask' | 'mark' | 'verify', number>>;
  /** A fail point for tests: called at every step of a cut-over, and waited for. */
  readonly atStep?: (step: CutOverStep) => void | Promise<void>;
}
