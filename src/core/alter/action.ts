/** A column under its old and its new name. They may differ in case only, which the server does not call different. */
export interface ColumnRename {
  readonly from: string;
  readonly to: string;
}

/** A PRIMARY or UNIQUE key that an ALTER adds. Parts that are expressions are not among the columns. */
export interface UniqueKey {
  readonly name: string | undefined;
  readonly primary: boolean;
  readonly columns: readonly string[];
}

/** A foreign key that an ALTER adds; `inline` when it is written in a column's definition. */
export interface ForeignKey {
  readonly name: string | undefined;
  readonly columns: readonly string[];
  readonly inline: boolean;
}

/** What one clause of an ALTER does. Most clauses do one thing; a column's definition can also add keys. */
export type Action =
  | { readonly kind: 'add-column'; readonly name: string; readonly autoIncrement: boolean }
  | { readonly kind: 'modify-column'; readonly name: string }
  | { readonly kind: 'alter-column'; readonly name: string }
  | ({ readonly kind: 'rename-column' } & ColumnRename)
  | { readonly kind: 'drop-column'; readonly name: string }
  | ({ readonly kind: 'add-unique' } & UniqueKey)
  | { readonly kind: 'add-index' }
  | { readonly kind: 'drop-index'; readonly name: string }
  | { readonly kind: 'drop-primary-key' }
  | { readonly kind: 'rename-index' }
  | { readonly kind: 'alter-index' }
  | ({ readonly kind: 'add-foreign-key' } & ForeignKey)
  | { readonly kind: 'drop-foreign-key'; readonly name: string }
  | { readonly kind: 'add-check' }
  | { readonly kind: 'drop-check'; readonly name: string }
  | { readonly kind: 'drop-constraint'; readonly name: string }
  | { readonly kind: 'alter-constraint' }
  | { readonly kind: 'rename-table'; readonly schema: string | undefined; readonly name: string }
  | { readonly kind: 'algorithm'; readonly value: string }
  | { readonly kind: 'lock'; readonly value: string }
  | { readonly kind: 'engine'; readonly value: string }
  | { readonly kind: 'auto-increment'; readonly value: bigint }
  | { readonly kind: 'convert-charset' }
  | { readonly kind: 'order-by' }
  | { readonly kind: 'force' }
  | { readonly kind: 'tablespace'; readonly operation: 'DISCARD' | 'IMPORT' }
  | { readonly kind: 'partition'; readonly operation: PartitionOperation }
  | { readonly kind: 'system-versioning'; readonly operation: 'ADD' | 'DROP' }
  | { readonly kind: 'period'; readonly operation: 'ADD' | 'DROP' }
  /** Table options without a bearing on the migration, ENABLE KEYS, and whatever we do not know: the server judges. */
  | { readonly kind: 'other' };

/** `BY` is PARTITION BY, `CONVERT` MariaDB's exchange of partitions for tables. */
export type PartitionOperation =
  | 'BY'
  | 'REMOVE'
  | 'ADD'
  | 'COALESCE'
  | 'REORGANIZE'
  | 'REBUILD'
  | 'UPGRADE'
  | 'DROP'
  | 'TRUNCATE'
  | 'EXCHANGE'
  | 'CONVERT'
  | 'DISCARD'
  | 'IMPORT'
  | 'ANALYZE'
  | 'CHECK'
  | 'OPTIMIZE'
  | 'REPAIR';

/** The action of one kind. */
export type ActionOf<K extends Action['kind']> = Extract<Action, { readonly kind: K }>;
