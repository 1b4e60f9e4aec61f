import { Refusal } from '../base/errors.ts';
import type { Mapping } from './mapping.ts';
import { quoteName } from './quote.ts';
import type { Column, TableDefinition } from './table.ts';

/**
 * A default that is no constant: `curtime()`, `CURRENT_TIMESTAMP(3)`, `uuid()`. A constant that looks like
 * one does no harm.
 */
const computedDefault = /\(|^current_timestamp/i;

/**
 * Whether what the server's own ALTER would write depends on the zone of its session, which is the global one
 * as a rule: where TIMESTAMP becomes another type or the other way; where generated columns, CHECKs,
 * functional indexes or partitions may compute with a TIMESTAMP; and where a new column takes the time of the
 * clock.
 */
export function dependsOnZone(original: TableDefinition, ghost: TableDefinition, mapping: Mapping): boolean {
  const converts = pairsOf(original, ghost, mapping).some(
    ([from, to]) => from.dataType !== to.dataType && [from, to].some(isTimestamp),
  );
  const clock = ghost.columns.some(
    ({ name, defaultText }) => mapping.added.includes(name) && computedDefault.test(defaultText ?? ''),
  );
  return (
    converts || clock || ghost.columns.filter(isTimestamp).some((column) => isComputedWith(column, ghost))
  );
}

/**
 * A TIME that becomes a DATETIME gets the day on which the statement runs: rows copied before and after
 * midnight would differ, and a row would change by being written again.
 * @throws Refusal `time-to-datetime`.
 */
export function refuseDayOfTime(original: TableDefinition, ghost: TableDefinition, mapping: Mapping): void {
  for (const [from, to] of pairsOf(original, ghost, mapping)) {
    if (from.dataType !== 'time' || !/^(date|datetime|timestamp)$/.test(to.dataType)) continue;
    throw new Refusal(
      'time-to-datetime',
      `the ALTER turns column ${from.name} from ${from.columnType} into ${to.columnType}: the server adds ` +
        'the day on which each row is converted, and a migration takes more than a moment',
      { hint: 'Add a new column, fill it with the day that is meant, and drop the old one.' },
    );
  }
}

function pairsOf(
  original: TableDefinition,
  ghost: TableDefinition,
  { shared }: Mapping,
): readonly (readonly [Column, Column])[] {
  const find = (table: TableDefinition, name: string): Column | undefined =>
    table.columns.find((column) => column.name === name);
  return shared.flatMap(({ from, to }) => {
    const pair = [find(original, from), find(ghost, to)] as const;
    return pair[0] && pair[1] ? [[pair[0], pair[1]] as const] : [];
  });
}

/** Whether the column stands in a line of the definition that has an expression in it. */
function isComputedWith({ name }: Column, { createSql }: TableDefinition): boolean {
  const quoted = quoteName(name);
  const computing = / AS \(|\bCHECK \(|\bPARTITION\b|\(\(| DEFAULT \(/i;
  return createSql.split('\n').some((line) => line.includes(quoted) && computing.test(line));
}

function isTimestamp({ dataType }: Column): boolean {
  return dataType === 'timestamp';
}
