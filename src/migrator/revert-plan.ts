import { Refusal } from '../base/errors.ts';
import type { Alter } from '../core/alter/clauses.ts';
import { sameName } from '../core/alter/identifier.ts';
import type { CheckpointTask } from '../core/checkpoint.ts';
import type { ColumnPair } from '../core/mapping.ts';
import type { Column, TableDefinition } from '../core/table.ts';
import type { MigrationConfig } from './config.ts';
import type { Survey } from './inspect.ts';
import { makePlan, type Plan } from './plan.ts';

/** Of a run that alters nothing: both tables of a revert are there. */
export const noAlter: Alter = {
  ...{ schema: undefined, table: undefined, ignore: false, wait: false, uncertain: false },
  ...{ text: '', directText: '', clauses: [], renamedColumns: [], droppedColumns: [], addedColumns: [] },
  ...{ modifiedColumns: [], uniqueKeys: [], addedForeignKeys: [], droppedForeignKeys: [] },
  ...{ autoIncrement: undefined, engine: undefined },
};

/**
 * What would lead from the new table back to the old one, as far as columns go.
 * @param pairs where the migration has put the old table's columns.
 */
function backwards(pairs: readonly ColumnPair[], now: TableDefinition, old: TableDefinition): Alter {
  const names = (columns: readonly Column[], others: readonly string[]): string[] =>
    columns.map(({ name }) => name).filter((name) => !others.includes(name));
  return {
    ...noAlter,
    renamedColumns: pairs
      .filter(({ from, to }) => from !== to)
      .map(({ from, to }) => ({ from: to, to: from })),
    droppedColumns: names(
      now.columns,
      pairs.map(({ to }) => to),
    ),
    addedColumns: names(
      old.columns,
      pairs.map(({ from }) => from),
    ),
  };
}

/** The survey of a revert with its plan. */
export interface RevertPlan {
  readonly survey: Survey;
  readonly plan: Plan;
}

/**
 * Plans a revert. The old table is full from the start, and rows that nobody has touched since are left as they are in it: where
 * the migration has changed a column's type they may hold what the new table could not, so such a column is not compared.
 * @param found with the present table as the original.
 * @param old the old table, in the ghost's part.
 * @throws Refusal `lost-columns`, and all that `makePlan` refuses: no migration key among it.
 */
export function planRevert(
  found: Survey,
  old: TableDefinition,
  task: CheckpointTask,
  config: MigrationConfig,
): RevertPlan {
  const { original } = found;
  const survey = { ...found, alter: backwards(task.columns, original, old) };
  const column = ({ columns }: TableDefinition, name: string): Column =>
    columns.find((each) => each.name === name)!;
  const lost = survey.alter.addedColumns.filter((name) => column(old, name).generated === 'no');
  const isLost = (name: string): boolean => lost.some((each) => sameName(each, name));
  const unnamed = lost.filter((name) => !config.allowLossy.some((each) => sameName(each, name)));
  if (unnamed.length > 0) throw losing(unnamed);
  const allowLossy = config.allowLossy.filter((name) => !isLost(name));
  const plan = makePlan(survey, old, { ...config, allowLossy, skipRenamedColumns: false });
  const keys = new Set(plan.key.ghostColumns.map(({ name }) => name));
  const changed = plan.mapping.shared.filter(
    ({ from, to }) => !keys.has(to) && !sameType(column(original, from), column(old, to)),
  );
  return { survey, plan: { ...plan, uncompared: new Set(changed.map(({ to }) => to)) } };
}

function sameType(from: Column, to: Column): boolean {
  return from.columnType === to.columnType && from.collation === to.collation && from.generated === 'no';
}

function losing(names: readonly string[]): Refusal {
  const list = names.join(', ');
  return new Refusal(
    'lost-columns',
    `the new table does not have these columns of the old one: ${list}. Rows that were changed since the cut-over ` +
      'would lose their values in them. Nothing was touched.',
    { hint: `If these rows may have the columns' defaults: --allow-lossy ${names.join(',')}` },
  );
}
