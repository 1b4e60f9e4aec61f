import { quoteTable } from '../core/quote.ts';
import type { Survey } from './inspect.ts';
import type { Plan } from './plan.ts';

const uniquenessTexts = {
  sole: 'the migration key is the only unique key of the new table: changes are applied by REPLACE',
  enforced: 'the new table has other unique keys, which the original enforces too: DELETE and INSERT',
  added: 'the ALTER adds uniqueness: rows that collide under it end the migration and are named',
} as const;

/** The plan of a migration, line by line, for a reviewer: what a run without --execute prints. */
export function describePlan({ original, artifacts, alter, facts, warnings }: Survey, plan: Plan): string[] {
  const { mapping, key, filled } = plan;
  const renamed = mapping.shared
    .filter(({ from, to }) => from !== to)
    .map(({ from, to }) => `${from} -> ${to}`);
  const list = (names: readonly string[]): string => (names.length === 0 ? '-' : names.join(', '));
  const megabytes = (bytes: number): string => `${(bytes / 1048576).toFixed(1)} MiB`;
  const { rowsEstimate, dataBytes, indexBytes } = original;
  const columns = key.columns.map(({ name }) => name).join(', ');
  const order = plan.codec.comparable ? 'ordered by us' : 'ordered by the server';
  return [
    `# Plan for ${quoteTable(original.ref)} on ${facts.hostname}:${facts.port} (${facts.version})`,
    `#   alter:           ${alter.text.replace(/\s+/g, ' ')}`,
    `#   strategy:        copy into ${quoteTable(artifacts.ghost)}, follow the binlog, swap behind a sentry table`,
    `#   rows:            about ${rowsEstimate}, ${megabytes(dataBytes)} of data, ${megabytes(indexBytes)} of indexes`,
    `#   extra disk:      about ${megabytes(dataBytes + indexBytes)} until the old table is dropped, and as much binlog`,
    `#   migration key:   ${key.key.name} (${columns}); ${order}`,
    `#   applying:        ${uniquenessTexts[plan.uniqueness]}`,
    `#   columns copied:  ${mapping.shared.length}; renamed: ${list(renamed)}`,
    `#   columns dropped: ${list(mapping.dropped)}; added: ${list(mapping.added)}`,
    `#   filled:          ${list(filled.map(({ column, literal }) => `${column} = ${literal}`))}`,
    `#   old table:       ${quoteTable(artifacts.old)}`,
    ...warnings.map((warning) => `#   warning:         ${warning}`),
    '# New table:',
    plan.ghost.createSql,
  ];
}
