import { hashOf } from '../../src/core/checkpoint.ts';
import { refuseAltered, refuseAnother } from '../../src/migrator/resume.ts';
import type { Server } from './server.ts';

/** Why the next run refuses to go on; null where it does not: all else of what it compares has stayed as it was. */
export function refusalOf({ uuid }: Server, altered: boolean): unknown {
  const alter = { text: 'ADD c int', statement: '' };
  const flavor = 'mysql';
  const task = { server: 'first', flavor, statement: alter.text, statementHash: hashOf(alter.text) };
  const original = { ref: { schema: 's', name: 't' } };
  try {
    refuseAnother(task, { facts: { uuid, flavor }, alter, original });
    const originalSql = 'CREATE TABLE `t` (a int)';
    const createSql = altered ? 'CREATE TABLE `t` (a int, d int)' : originalSql;
    refuseAltered({ originalSql }, { ref: original.ref, createSql });
    return null;
  } catch (error) {
    return error;
  }
}
