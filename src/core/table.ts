import type { TableRef } from './table-ref.ts';

/** A column as the server describes it. */
export interface Column {
  readonly name: string;
  /** 0-based place in the table, generated and invisible columns counted: the place in a row image. */
  readonly ordinal: number;
  /** Lower-case type word without length: `bigint`, `varchar`, `enum`, `uuid`, `inet6` ... */
  readonly dataType: string;
  /** The whole type as the server prints it: `bigint(20) unsigned`, `enum('a','b')`. */
  readonly columnType: string;
  readonly unsigned: boolean;
  readonly nullable: boolean;
  /** Character set and collation, null for types that have none. */
  readonly charset: string | null;
  readonly collation: string | null;
  /** Length limit in characters and in bytes, for strings and binaries. */
  readonly lengthChars: number | null;
  readonly lengthBytes: number | null;
  /** Of DECIMAL, BIT and integers (digits); null elsewhere. */
  readonly precision: number | null;
  readonly scale: number | null;
  /** Fractional second digits of temporal types; null elsewhere. */
  readonly fractionDigits: number | null;
  readonly generated: 'no' | 'virtual' | 'stored';
  readonly invisible: boolean;
  readonly autoIncrement: boolean;
  /** DEFAULT as information_schema has it, null where there is none (or NULL). */
  readonly defaultText: string | null;
}

/** One part of an index. */
export interface IndexPart {
  /** Null for a functional part. */
  readonly column: string | null;
  readonly expression: string | null;
  /** Prefix length in characters, where only a prefix is indexed. */
  readonly prefixChars: number | null;
  readonly descending: boolean;
}

/** An index as the server describes it. */
export interface Index {
  readonly name: string;
  readonly primary: boolean;
  readonly unique: boolean;
  /** `BTREE`, `FULLTEXT`, `SPATIAL`, `HASH` ... */
  readonly kind: string;
  readonly parts: readonly IndexPart[];
  /** True where any column of it may be NULL. */
  readonly nullable: boolean;
}

/** A table as captured at one moment: what a TABLE_MAP event must agree with. */
export interface TableDefinition {
  readonly ref: TableRef;
  readonly engine: string;
  readonly columns: readonly Column[];
  readonly indexes: readonly Index[];
  /** SHOW CREATE TABLE. */
  readonly createSql: string;
  /** The next AUTO_INCREMENT value, where the table has one. */
  readonly autoIncrement: bigint | null;
  readonly partitioned: boolean;
  readonly collation: string;
  /** Estimates from the server's statistics; exact counts come from elsewhere. */
  readonly rowsEstimate: number;
  readonly dataBytes: number;
  readonly indexBytes: number;
}
