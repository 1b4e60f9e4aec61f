import { Refusal } from '../../base/errors.ts';
import { Refusals } from '../../base/refusals.ts';
import type { PartitionOperation } from './action.ts';
import { type Alter, actionsOf } from './clauses.ts';
import { foldName, sameName } from './identifier.ts';

/** What the operator said about renamed columns. */
export interface CheckOptions {
  /** `--approve-renamed-columns`: copy the data of a renamed column under its new name. */
  readonly approveRenamedColumns?: boolean | undefined;
  /** `--skip-renamed-columns`: take the two for unrelated; wins over the approval. */
  readonly skipRenamedColumns?: boolean | undefined;
}

/** What a copy of the whole table into an empty one can do as the server itself would. */
const REPARTITIONING: ReadonlySet<PartitionOperation> = new Set([
  ...(['BY', 'REMOVE', 'ADD', 'COALESCE', 'REORGANIZE', 'REBUILD', 'UPGRADE'] as const),
]);

/**
 * Refuses, by the text alone, an ALTER that must not be done by way of a ghost table.
 * @returns warnings for the operator, none when all is plain.
 * @throws Refusal with code `table-rename`, `alter-ignore`, `algorithm`, `partition-operation`, `tablespace`,
 *   `system-versioning`, `foreign-key-added`, `renamed-columns` or `nothing-to-copy`.
 */
export function checkAlter(alter: Alter, options: CheckOptions = {}): readonly string[] {
  const refusals = new Refusals();
  refusals.judge(() => refuseTableRename(alter));
  refusals.judge(() => refuseIgnore(alter));
  refusals.judge(() => refuseAlgorithm(alter));
  refusals.judge(() => refuseDataOperations(alter));
  refusals.judge(() => refuseForeignKeys(alter));
  refusals.judge(() => refuseRenamedColumns(alter, options));
  refusals.judge(() => refuseNothing(alter));
  refusals.throwIfAny();
  return warningsOf(alter, options);
}

/** The renames under which the server sees another name: those that differ in case only are none. */
export function trueRenames(alter: Pick<Alter, 'renamedColumns'>): Alter['renamedColumns'] {
  return alter.renamedColumns.filter(({ from, to }) => !sameName(from, to));
}

function refuseTableRename(alter: Alter): void {
  const rename = actionsOf(alter, 'rename-table')[0];
  if (!rename) return;
  const target = rename.schema === undefined ? rename.name : `${rename.schema}.${rename.name}`;
  throw new Refusal(
    'table-rename',
    `ALTER statement seems to RENAME the table (to '${target}'). That is not supported`,
    { hint: 'Remove the RENAME from --alter and run it as a statement of its own.' },
  );
}

function refuseIgnore({ ignore }: Alter): void {
  if (!ignore) return;
  throw new Refusal('alter-ignore', 'ALTER IGNORE TABLE would throw away rows without a word', {
    hint: 'Remove IGNORE; rows that collide under the new schema will be named.',
  });
}

function refuseNothing({ text, clauses }: Alter): void {
  if (text !== '') return;
  const left = clauses.map((clause) => clause.text).join(', ');
  throw new Refusal('nothing-to-copy', `Nothing of this ALTER is left to be done on a ghost table: ${left}`, {
    hint: 'The server does this at once: run the ALTER directly.',
  });
}

function refuseAlgorithm(alter: Alter): void {
  for (const { value } of actionsOf(alter, 'algorithm')) {
    if (value === 'COPY' || value === 'DEFAULT') continue;
    throw new Refusal('algorithm', `ALGORITHM=${value} asks for the server's own way to do this ALTER`, {
      hint: 'Run the ALTER directly, try --attempt-instant-ddl, or remove the clause to migrate by ghost table.',
    });
  }
}

function refuseDataOperations(alter: Alter): void {
  for (const { operation } of actionsOf(alter, 'partition')) {
    if (REPARTITIONING.has(operation)) continue;
    throw new Refusal(
      'partition-operation',
      `${operation} PARTITION works on the data in the partitions, which a ghost table does not have yet`,
      { hint: 'Run this operation directly on the table.' },
    );
  }
  for (const { operation } of actionsOf(alter, 'tablespace')) {
    throw new Refusal('tablespace', `${operation} TABLESPACE cannot be done by way of a ghost table`, {
      hint: 'Run this operation directly on the table.',
    });
  }
  if (actionsOf(alter, 'system-versioning').some(({ operation }) => operation === 'ADD')) {
    throw new Refusal(
      'system-versioning',
      'ADD SYSTEM VERSIONING would put every write of the migration into the history of the new table',
      { hint: 'Run it directly, before or after the rest of the ALTER.' },
    );
  }
}

function refuseForeignKeys(alter: Alter): void {
  const key = alter.addedForeignKeys[0];
  if (!key) return;
  const what = key.name === undefined ? `on (${key.columns.join(', ')})` : `'${key.name}'`;
  throw new Refusal('foreign-key-added', `The ALTER adds a foreign key ${what}; that is not supported`, {
    hint: 'Migrate without it, then add the foreign key with a statement of its own.',
  });
}

function refuseRenamedColumns(alter: Alter, options: CheckOptions): void {
  const renames = trueRenames(alter);
  if (renames.length === 0 || options.approveRenamedColumns || options.skipRenamedColumns) return;
  const list = renames.map(({ from, to }) => `'${from}' to '${to}'`).join(', ');
  throw new Refusal('renamed-columns', `The ALTER seems to rename columns: ${list}. Please see flags`, {
    hint:
      'If that is right, confirm it with --approve-renamed-columns. With --skip-renamed-columns they are taken ' +
      'for unrelated, and the data of the renamed columns is lost.',
  });
}

function warningsOf(alter: Alter, options: CheckOptions): readonly string[] {
  const warnings: string[] = [];
  for (const { value } of actionsOf(alter, 'algorithm')) {
    warnings.push(`ALGORITHM=${value} is ignored: it means nothing to a migration by ghost table`);
  }
  for (const { value } of actionsOf(alter, 'lock')) {
    warnings.push(`LOCK=${value} is ignored: writers stop only for a moment, at the cut-over`);
  }
  if (alter.wait) warnings.push('WAIT or NOWAIT is ignored: the cut-over has its own time limits');
  for (const name of alter.droppedForeignKeys) {
    warnings.push(`DROP FOREIGN KEY ${name} needs no doing: the new table has no foreign keys`);
  }
  for (const name of readded(alter)) {
    warnings.push(`Column '${name}' is dropped and added again: its data is not copied`);
  }
  if (options.skipRenamedColumns) {
    for (const { from, to } of trueRenames(alter)) {
      warnings.push(`Column '${from}' is not copied into '${to}' (--skip-renamed-columns): its data is lost`);
    }
  }
  for (const { name, autoIncrement } of actionsOf(alter, 'add-column')) {
    if (autoIncrement) warnings.push(`Column '${name}' is numbered in the order in which rows are copied`);
  }
  if (actionsOf(alter, 'order-by').length > 0) {
    warnings.push('ORDER BY has no effect: rows are copied in the order of the migration key');
  }
  return warnings;
}

function readded(alter: Alter): readonly string[] {
  const added = new Set(alter.addedColumns.map(foldName));
  return alter.droppedColumns.filter((name) => added.has(foldName(name)));
}
