import type { Connection } from 'mysql2/promise';
import type { Step } from './ledger-model.ts';
import type { LedgerTable, Text, TextRow } from './ledger-table.ts';
import { quoteName, runSql } from './sql.ts';

/** How a column is read and written as text. */
type Form = 'plain' | 'hex' | 'bits';

const HEX_TYPES = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob']);

/** A statement with the values for its question marks. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly Text[];
}

/** The statements on one table. */
export class LedgerSql {
  readonly #table: LedgerTable;
  readonly #forms: ReadonlyMap<string, Form>;
  readonly #target: string;

  private constructor(table: LedgerTable, forms: ReadonlyMap<string, Form>) {
    this.#table = table;
    this.#forms = forms;
    this.#target = `${quoteName(table.database)}.${quoteName(table.name)}`;
  }

  /** Asks the server for the types of the columns. */
  static async of(connection: Connection, table: LedgerTable): Promise<LedgerSql> {
    const rows = await runSql(
      connection,
      'SELECT column_name AS name, data_type AS type FROM information_schema.columns' +
        ' WHERE table_schema = ? AND table_name = ?',
      [table.database, table.name],
    );
    const forms = new Map<string, Form>();
    for (const { name, type } of rows) {
      const text = String(type).toLowerCase();
      forms.set(String(name), HEX_TYPES.has(text) ? 'hex' : text === 'bit' ? 'bits' : 'plain');
    }
    const unknown = table.columns.find((column) => !forms.has(column));
    if (unknown !== undefined) throw new Error(`${table.database}.${table.name} has no column ${unknown}`);
    return new LedgerSql(table, forms);
  }

  /**
   * Reads all of `columns`, in this order.
   * @param from another table to read; default the table's own.
   * @param expressions what to read for a column, where that is not the column itself.
   */
  selectAll(from: string = this.#target, expressions: Readonly<Record<string, string>> = {}): string {
    const parts = this.#table.columns.map((column) => expressions[column] ?? this.#read(column));
    return `SELECT ${parts.join(', ')} FROM ${from}`;
  }

  selectOne(key: TextRow): Statement {
    const where = this.#where(key);
    return { sql: `${this.selectAll()} WHERE ${where.sql}`, values: where.values };
  }

  /** The statement of a step. */
  of(step: Step): Statement {
    if (step.kind === 'insert') return this.#insert(step.values);
    const where = this.#where(step.target);
    if (step.kind === 'delete') {
      return { sql: `DELETE FROM ${this.#target} WHERE ${where.sql}`, values: where.values };
    }
    if (step.kind === 'increment') {
      const counter = quoteName(this.#table.counter ?? '');
      const sql = `UPDATE ${this.#target} SET ${counter} = ${counter} + 1 WHERE ${where.sql}`;
      return { sql, values: where.values };
    }
    const columns = Object.keys(step.set);
    const assignments = columns.map((column) => `${quoteName(column)} = ${this.#place(column)}`).join(', ');
    return {
      sql: `UPDATE ${this.#target} SET ${assignments} WHERE ${where.sql}`,
      values: [...columns.map((column) => step.set[column] ?? null), ...where.values],
    };
  }

  #insert(row: TextRow): Statement {
    const columns = Object.keys(row);
    const names = columns.map(quoteName).join(', ');
    const places = columns.map((column) => this.#place(column)).join(', ');
    const values = columns.map((column) => row[column] ?? null);
    return { sql: `INSERT INTO ${this.#target} (${names}) VALUES (${places})`, values };
  }

  #where(key: TextRow): Statement {
    const conditions = this.#table.key.map((column) => {
      const equals = key[column] === null ? '<=>' : '=';
      return `${quoteName(column)} ${equals} ${this.#place(column)}`;
    });
    return { sql: conditions.join(' AND '), values: this.#table.key.map((column) => key[column] ?? null) };
  }

  #read(column: string): string {
    const form = this.#forms.get(column);
    if (form === 'hex') return `HEX(${quoteName(column)})`;
    return form === 'bits' ? `${quoteName(column)} + 0` : quoteName(column);
  }

  #place(column: string): string {
    const form = this.#forms.get(column);
    if (form === 'hex') return 'UNHEX(?)';
    return form === 'bits' ? 'CAST(? AS UNSIGNED)' : '?';
  }
}
