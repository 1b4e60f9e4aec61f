import type { ServerFacts } from '../mysql/server.ts';
import type { MigrationLog } from './config.ts';
import type { Plan } from './plan.ts';

/**
 * How many workers may copy at the most. Where `innodb_autoinc_lock_mode` is 0 or 1 (MariaDB's default) an INSERT .. SELECT
 * into a table with an AUTO_INCREMENT column keeps a lock on that table until it ends, values given or not: a second
 * worker only waits, and has syncs wait as well (measured: docs/performance.md).
 * @param fixed as the operator wants it, null for no wish: then one, where more would be of no use.
 * @param otherwise where nothing speaks against it.
 */
export function copyWorkersMax(
  { variables }: Pick<ServerFacts, 'variables'>,
  { ghost }: Pick<Plan, 'ghost'>,
  fixed: number | null,
  otherwise: number,
  log: MigrationLog,
): number {
  const locks = ['0', '1'].includes(variables.get('innodb_autoinc_lock_mode') ?? '');
  if (!locks || !ghost.columns.some(({ autoIncrement }) => autoIncrement)) return fixed ?? otherwise;
  const why = 'innodb_autoinc_lock_mode lets one INSERT .. SELECT at a time into a table with AUTO_INCREMENT';
  if (fixed === null) log.info({}, `one worker copies: ${why}`);
  else if (fixed > 1) log.warn({}, `--concurrency ${fixed} will not make the copy faster: ${why}`);
  return fixed ?? 1;
}
