import { quoteName, quoteTable, quoteText } from '../../core/quote.ts';
import type { TableRef } from '../../core/table-ref.ts';
import { text, textOrNull } from '../row.ts';
import { createProbeSql, dropScratchSql, refuseStrangers, type ScratchRefs } from '../scratch.ts';
import type { ServerFacts } from '../server.ts';
import { classify } from '../server-error.ts';
import type { Session } from '../session.ts';

/** Something that the account cannot do. */
export interface MissingPrivilege {
  /** As GRANT spells it: `LOCK TABLES`. */
  readonly privilege: string;
  readonly purpose: string;
  /** The statement that gives it, to be run by an administrator. */
  readonly grantSql: string;
  /** False where a migration can do without, at the price that `purpose` tells. */
  readonly required: boolean;
}

/** What the account cannot do. */
export interface PrivilegeReport {
  /** `user@host`, as the server matched the account. */
  readonly account: string;
  readonly missing: readonly MissingPrivilege[];
  /** What cannot be tried without doing it in earnest: the stage that needs it will say so. */
  readonly untested: readonly string[];
}

/** What privileges are tried on. */
export interface PrivilegeQuestion {
  /** The original: only read, with LIMIT 0. */
  readonly original: TableRef;
  /** Names in the original's schema: a probe is created and dropped, and so is what a killed run has left. */
  readonly scratch: ScratchRefs;
  readonly facts: ServerFacts;
  /** Whether the binlog of this server is read. */
  readonly streams: boolean;
}

/** One thing to try. */
interface Trial {
  readonly privilege: string;
  readonly purpose: string;
  readonly scope: 'schema' | 'global' | 'performance_schema';
  readonly required: boolean;
  /** Spellings of one statement: the first that the server understands counts. */
  readonly sql: readonly string[];
}

/**
 * Finds out what the account may do by doing it on a table of our own: grants through roles, wildcards and
 * partial revokes then need no understanding.
 * @throws Refusal `probe-table` when one of the names is taken; ServerError; SessionError.
 */
export async function checkPrivileges(
  session: Session,
  question: PrivilegeQuestion,
): Promise<PrivilegeReport> {
  const [row] = await session.query('SELECT CURRENT_USER() AS account');
  const account = text(row!, 'account');
  await refuseStrangers(session, question.scratch);
  const missing: MissingPrivilege[] = [];
  const report = (trial: Trial): void => {
    const { privilege, purpose, required } = trial;
    missing.push({ privilege, purpose, required, grantSql: grantSql(trial, account, question) });
  };
  const probing = probeTrials(question);
  const [drop, create, ...rest] = probing as [Trial, Trial, ...Trial[]];
  // Without DROP nothing is created: it could not be taken away. Without CREATE nothing more can be tried.
  const mayDrop = await isAllowed(session, drop);
  if (!mayDrop) report(drop);
  else if (!(await isAllowed(session, create))) report(create);
  else {
    try {
      for (const trial of rest) if (!(await isAllowed(session, trial))) report(trial);
      if (!(await seesTriggers(session, question.scratch.probe))) report(TRIGGER);
    } finally {
      if (session.usable) await session.execute(dropScratchSql(question.scratch));
    }
  }
  for (const trial of serverTrials(question)) if (!(await isAllowed(session, trial))) report(trial);
  const untested = question.streams && question.facts.flavor === 'mariadb' ? ['REPLICATION SLAVE'] : [];
  if (!mayDrop) untested.push('CREATE', 'ALTER', 'INSERT', 'UPDATE', 'DELETE', 'LOCK TABLES', 'TRIGGER');
  return { account, missing, untested };
}

/**
 * Finds out what the account may do on a server whose binlog is read and that is not written to. Nothing is
 * created there.
 * @throws ServerError; SessionError.
 */
export async function checkStreamPrivileges(
  session: Session,
  question: Omit<PrivilegeQuestion, 'scratch' | 'streams'>,
): Promise<PrivilegeReport> {
  const [row] = await session.query('SELECT CURRENT_USER() AS account');
  const account = text(row!, 'account');
  const { facts, original } = question;
  const select: Trial = {
    ...{ privilege: 'SELECT', purpose: 'compare the table with that of the primary', scope: 'schema' },
    required: true,
    sql: [`SELECT * FROM ${quoteTable(original)} LIMIT 0`],
  };
  const missing: MissingPrivilege[] = [];
  for (const trial of [select, ...streamTrials(facts)]) {
    if (await isAllowed(session, trial)) continue;
    const { privilege, purpose, required } = trial;
    missing.push({ privilege, purpose, required, grantSql: grantSql(trial, account, question) });
  }
  return { account, missing, untested: facts.flavor === 'mariadb' ? ['REPLICATION SLAVE'] : [] };
}

const TRIGGER: Trial = {
  privilege: 'TRIGGER',
  purpose: 'see the triggers of the table, which are hidden from accounts without it',
  scope: 'schema',
  required: true,
  sql: [],
};

function probeTrials({ original, scratch }: PrivilegeQuestion): readonly Trial[] {
  const table = quoteTable(scratch.probe);
  const trial = (privilege: string, purpose: string, ...sql: string[]): Trial => {
    return { privilege, purpose, scope: 'schema', required: true, sql };
  };
  return [
    trial('DROP', 'drop and rename the tables of the migration', dropScratchSql(scratch)),
    trial('CREATE', 'create the ghost table and the tables beside it', createProbeSql(scratch.probe)),
    trial('SELECT', 'read the original', `SELECT * FROM ${quoteTable(original)} LIMIT 0`),
    trial('INSERT', 'write the ghost table', `INSERT INTO ${table} (id, v) VALUES (1, 1)`),
    trial('UPDATE', 'write the heartbeat', `UPDATE ${table} SET v = 2 WHERE id = 1`),
    trial('DELETE', 'bring the ghost table up to date', `DELETE FROM ${table} WHERE id = 1`),
    trial('ALTER', 'alter the ghost table and rename it', `ALTER TABLE ${table} ADD COLUMN w INT`),
    trial(
      'LOCK TABLES',
      'stop the writers during the cut-over',
      `LOCK TABLES ${table} READ`,
      'UNLOCK TABLES',
    ),
  ];
}

function serverTrials({ facts, streams }: PrivilegeQuestion): readonly Trial[] {
  return [
    ...(streams ? streamTrials(facts) : []),
    {
      privilege: 'PROCESS',
      purpose: 'see who holds the table before it is locked, and foreign keys in schemas without grants',
      scope: 'global',
      required: false,
      // With LIMIT 0 nobody would be asked for it; and a view of transactions may fail for what is in them.
      sql: ['SELECT 1 FROM information_schema.INNODB_METRICS LIMIT 1'],
    },
    {
      privilege: 'SELECT',
      purpose: 'see who holds the table, and see the RENAME wait, during the cut-over',
      scope: 'performance_schema',
      required: false,
      sql: ['SELECT 1 FROM performance_schema.metadata_locks AS l, performance_schema.threads AS t LIMIT 0'],
    },
  ];
}

/** What reading the binlog takes. */
function streamTrials({ flavor, logBin }: ServerFacts): readonly Trial[] {
  const mysql = flavor === 'mysql';
  const client: Trial = {
    privilege: mysql ? 'REPLICATION CLIENT' : 'BINLOG MONITOR',
    purpose: 'ask for the position in the binlog',
    scope: 'global',
    required: true,
    sql: ['SHOW BINARY LOG STATUS', 'SHOW MASTER STATUS'],
  };
  // MariaDB asks for it only when the dump begins.
  if (!mysql || !logBin) return [client];
  const dump: Trial = {
    privilege: 'REPLICATION SLAVE',
    purpose: 'read the binlog',
    scope: 'global',
    required: true,
    sql: ['SHOW REPLICAS', 'SHOW SLAVE HOSTS'],
  };
  return [dump, client];
}

async function isAllowed(session: Session, trial: Trial): Promise<boolean> {
  const locks = trial.privilege === 'LOCK TABLES';
  for (const sql of trial.sql) {
    try {
      await session.query(sql);
      // Otherwise the statements are spellings of one, and one was understood.
      if (!locks) return true;
    } catch (error) {
      const kind = classify(error);
      if (kind === 'privilege') return false;
      if (kind !== 'syntax' && kind !== 'missing') throw error;
    }
  }
  return true;
}

const BINLOG_CREATE_ROUTINE_NEED_SUPER = 1419;

/** Tries to create a trigger; where the rule about SUPER and the binlog hides the answer, the grants tell. */
async function seesTriggers(session: Session, probe: TableRef): Promise<boolean> {
  // Triggers have a name space of their own, one a schema: migrations side by side need different names.
  const trigger = quoteTable({ schema: probe.schema, name: probe.name });
  try {
    await session.execute(
      `CREATE TRIGGER ${trigger} BEFORE DELETE ON ${quoteTable(probe)} FOR EACH ROW SET @poltergeist = 1`,
    );
    return true;
  } catch (error) {
    if ((error as { errno?: number }).errno === BINLOG_CREATE_ROUTINE_NEED_SUPER)
      return grantsTrigger(session);
    if (classify(error) === 'privilege') return false;
    throw error;
  }
}

async function grantsTrigger(session: Session): Promise<boolean> {
  let roles: string | null = null;
  try {
    const [row] = await session.query('SELECT CURRENT_ROLE() AS roles');
    roles = textOrNull(row!, 'roles');
  } catch (error) {
    if (!['syntax', 'missing', 'other'].includes(classify(error))) throw error;
  }
  // MySQL prints what roles give only when it is told to; MariaDB prints it by itself, and knows no USING.
  const using = roles?.startsWith('`') ? ` FOR CURRENT_USER() USING ${roles}` : '';
  const rows = await session.query(`SHOW GRANTS${using}`);
  return rows.some((row) => /\b(TRIGGER|ALL PRIVILEGES)\b.* ON /i.test(String(Object.values(row)[0])));
}

function grantSql(
  trial: Trial,
  account: string,
  { original, facts }: Pick<PrivilegeQuestion, 'original' | 'facts'>,
): string {
  const at = account.lastIndexOf('@');
  const grantee = `${quoteText(account.slice(0, at))}@${quoteText(account.slice(at + 1))}`;
  return `GRANT ${trial.privilege} ON ${objectOf(trial.scope, original.schema, facts)} TO ${grantee}`;
}

function objectOf(scope: Trial['scope'], schema: string, facts: ServerFacts): string {
  if (scope === 'global') return '*.*';
  if (scope === 'performance_schema') return 'performance_schema.*';
  // In GRANT `_` and `%` of a schema's name are wildcards, except under partial_revokes.
  const literal = facts.variables.get('partial_revokes') === 'ON';
  if (literal) return `${quoteName(schema)}.*`;
  return `\`${schema.replaceAll('`', '``').replace(/[_%\\]/g, '\\$&')}\`.*`;
}
