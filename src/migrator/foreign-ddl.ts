/** Beginnings of statements that may name the table without changing anything that the migration rests on. */
const harmless = new RegExp(
  `^\\s*(${[
    'analyze|repair|check|flush|grant|revoke',
    'optimize\\s+(no_write_to_binlog\\s+|local\\s+)?table',
    'create\\s+(or\\s+replace\\s+)?(algorithm\\s*=\\s*\\w+\\s+)?(definer\\s*=\\s*\\S+\\s+)?(sql\\s+security\\s+\\w+\\s+)?view',
    'create\\s+(or\\s+replace\\s+)?(definer\\s*=\\s*\\S+\\s+)?(procedure|function|event)',
    'drop\\s+(view|procedure|function|event|temporary\\s+table)',
  ].join('|')})\\b`,
  'i',
);

/**
 * A new table that was only modelled on ours. A foreign key to ours would be another matter, and so is one that takes the
 * place of ours (CREATE OR REPLACE TABLE).
 */
const otherTable = /^\s*create\s+(table|(or\s+replace\s+)?temporary\s+table)\b/i;

/**
 * What DDL of others that names one of our tables means to us (I10). When in doubt it is a change of the world.
 * @param sql the statement as it stands in the binlog.
 */
export function meaningOf(sql: string): 'harmless' | 'changes-the-world' {
  const bare = sql.replace(/^\s*(\/\*[\s\S]*?\*\/\s*)+/, '');
  if (harmless.test(bare)) return 'harmless';
  if (otherTable.test(bare) && !/\breferences\b/i.test(bare)) return 'harmless';
  return 'changes-the-world';
}
