import type { Clock } from '../base/clock.ts';
import { GhostSql } from '../core/ghost-sql.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { CollisionParts } from '../mysql/collision.ts';
import { SqlGhostStore } from '../mysql/ghost-store.ts';
import { LateRows } from '../mysql/late-rows.ts';
import type { RowWriter } from '../mysql/lossy-writer.ts';
import type { Plan } from './plan.ts';
import type { Pools } from './pools.ts';

/** What a store works with besides the plan. */
export interface StoreTools extends Pools {
  readonly writer: RowWriter;
  readonly flavor: 'mysql' | 'mariadb';
  readonly clock: Clock;
}

/** How rows that collide are found. */
export function collisionParts(from: TableRef, to: TableRef, plan: Plan): CollisionParts {
  const { mapping, filled, copied, codec, ghostCodec, key, ghost } = plan;
  return {
    ...{ original: from, ghost: to, shared: mapping.shared, filled, copied, codec, ghostCodec },
    addedKeys: key.addedUnique,
    uniqueKeys: ghost.indexes.filter(({ unique }) => unique),
    counted: ghost.columns.find(({ autoIncrement }) => autoIncrement)?.name ?? null,
  };
}

/** The ghost as the stages see it, by a plan. */
export function makeStore(from: TableRef, to: TableRef, plan: Plan, tools: StoreTools): SqlGhostStore {
  const collision = collisionParts(from, to, plan);
  return new SqlGhostStore({
    sql: new GhostSql({ ...collision, keyName: plan.key.key.name, keysMayMerge: plan.key.mayMerge }),
    codec: plan.codec,
    ghostName: to.name,
    uniqueness: plan.uniqueness,
    ghostColumns: new Set(plan.ghost.columns.map(({ name }) => name)),
    sameOrder: plan.key.sameComparison,
    copySessions: tools.copy,
    syncSessions: tools.sync,
    askSessions: tools.ask,
    collision,
    writer: tools.writer,
    flavor: tools.flavor,
    clock: tools.clock,
  });
}

/** What carries late writes over after the swap. */
export function makeLateRows(
  old: TableRef,
  newTable: TableRef,
  plan: Plan,
  tools: Pick<StoreTools, 'sync' | 'writer'>,
): LateRows {
  const { codec, ghostCodec, filled, copied, mapping } = plan;
  const common = {
    original: old,
    ghost: newTable,
    shared: mapping.shared,
    filled,
    copied,
    codec,
    ghostCodec,
  };
  const sql = new GhostSql({ ...common, keyName: plan.key.key.name, keysMayMerge: plan.key.mayMerge });
  return new LateRows({ sql, newName: newTable.name, sessions: tools.sync, writer: tools.writer });
}
