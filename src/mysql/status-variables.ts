import { UsageError } from '../base/errors.ts';
import { quoteText } from '../core/quote.ts';
import { textOrNull } from './row.ts';
import type { Session, StatementLimits } from './session.ts';

/**
 * Reads global status variables as numbers.
 * @param names in any case; the map has them as they are given, in their order.
 * @throws UsageError that names the first one that the server does not have, or that is no number; ServerError, SessionError.
 */
export async function readStatus(
  session: Session,
  names: readonly string[],
  limits: StatementLimits = {},
): Promise<ReadonlyMap<string, number>> {
  if (names.length === 0) return new Map();
  const list = names.map(quoteText).join(', ');
  const rows = await session.query(`SHOW GLOBAL STATUS WHERE Variable_name IN (${list})`, limits);
  const values = new Map<string, string>();
  for (const row of rows)
    values.set((textOrNull(row, 'Variable_name') ?? '').toLowerCase(), textOrNull(row, 'Value') ?? '');
  const found = new Map<string, number>();
  for (const name of names) {
    const value = values.get(name.toLowerCase());
    if (value === undefined) throw new UsageError(`the server has no status variable ${name}`);
    if (!/^-?\d+(\.\d+)?$/.test(value))
      throw new UsageError(`status variable ${name} is no number: "${value}"`);
    found.set(name, Number(value));
  }
  return found;
}

/**
 * Threads that count as running all the time though they only wait: those that send the binlog, ours among them, and
 * MySQL's event scheduler. Without PROCESS only those of our own account are seen.
 */
export async function countWaitingThreads(session: Session, limits: StatementLimits = {}): Promise<number> {
  const rows = await session.query('SHOW PROCESSLIST', limits);
  const waits = rows.filter((row) => {
    const command = textOrNull(row, 'Command') ?? '';
    return (
      command.startsWith('Binlog Dump') ||
      (command === 'Daemon' && textOrNull(row, 'User') === 'event_scheduler')
    );
  });
  return waits.length;
}
