import { LossTally, LossyWriter, type RowWriter, strictWriter } from '../mysql/lossy-writer.ts';
import type { MigrationLog } from './config.ts';
import type { Plan } from './plan.ts';

/** How rows are written, and what became of their values. */
export interface Losses {
  readonly writer: RowWriter;
  /** Says in the log how many values lost something: nothing is lost in silence. */
  report(): void;
}

/** Strict, or for columns that may lose data (`--allow-lossy`) as core/lossy.ts describes. */
export function makeLosses({ ghost, lossy }: Plan, log: MigrationLog): Losses {
  if (lossy.size === 0) return { writer: strictWriter, report: () => undefined };
  const tally = new LossTally((column, message) =>
    log.warn(
      { column },
      `values of column '${column}' are cut or changed, as --allow-lossy or --skip-strict-mode allows: ${message}`,
    ),
  );
  return {
    writer: new LossyWriter(new Set(ghost.columns.map(({ name }) => name)), lossy, tally),
    report: () => {
      for (const [column, values] of tally.counts)
        log.warn(
          { column, values },
          `values of column '${column}' were cut or changed (rows written again count again)`,
        );
    },
  };
}
