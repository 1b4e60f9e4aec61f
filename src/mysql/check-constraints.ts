import { quoteText } from '../core/quote.ts';
import type { TableRef } from '../core/table-ref.ts';
import { text } from './row.ts';
import { classify } from './server-error.ts';
import type { Session } from './session.ts';

/**
 * What the CHECK constraints of a table are called in a copy of it: a schema of MySQL has a name only once, so CREATE TABLE ..
 * LIKE gives them others. Equal ones are told apart by nothing and are as good as each other.
 * @returns the names in the copy, by those in the table; none where they are the same.
 */
export async function checkNamesIn(
  session: Session,
  table: TableRef,
  copy: TableRef,
): Promise<ReadonlyMap<string, string>> {
  const there = await checksOf(session, copy);
  const names = new Map<string, string>();
  for (const { name, meaning } of await checksOf(session, table)) {
    const at = there.findIndex((other) => other.meaning === meaning);
    const [found] = at < 0 ? [] : there.splice(at, 1);
    if (found && found.name !== name) names.set(name, found.name);
  }
  return names;
}

async function checksOf(session: Session, table: TableRef): Promise<{ name: string; meaning: string }[]> {
  try {
    const rows = await session.query(
      `SELECT c.constraint_name AS name, CONCAT(t.enforced, ' ', c.check_clause) AS meaning
       FROM information_schema.table_constraints t JOIN information_schema.check_constraints c
       ON c.constraint_schema = t.constraint_schema AND c.constraint_name = t.constraint_name
       WHERE t.table_schema = ${quoteText(table.schema)} AND t.table_name = ${quoteText(table.name)}
       AND t.constraint_type = 'CHECK' ORDER BY c.constraint_name`,
    );
    return rows.map((row) => ({ name: text(row, 'name'), meaning: text(row, 'meaning') }));
  } catch (error) {
    // A server without such names in its catalogue (MariaDB, MySQL before 8.0.16) does not change them.
    if (['missing', 'unsupported'].includes(classify(error))) return [];
    throw error;
  }
}
