import { Refusals } from '../../base/refusals.ts';
import { refuseKeyless } from '../../core/migration-key.ts';
import { quoteTable } from '../../core/quote.ts';
import type { ServerFacts } from '../server.ts';
import { refuseHalfRenamed } from './artifact-refusals.ts';
import { cascades, type ForeignKey } from './foreign-keys.ts';
import type { Inspection } from './inspection.ts';
import type { PrivilegeReport } from './privileges.ts';
import { type RefusalOptions, refusal } from './refusal.ts';

export { refuseArtifacts } from './artifact-refusals.ts';
export type { RefusalOptions } from './refusal.ts';
export { refuseServer } from './server-refusals.ts';

/**
 * Refuses tables that cannot be migrated safely.
 * @throws Refusal `system-schema`, `not-found`, `view`, `sequence`, `not-a-table`, `system-versioned`,
 * `engine`, `foreign-key-parent`, `foreign-key-cascade`, `foreign-key-child`, `triggers`, `xa-prepared`, `no-unique-key`.
 */
export function refuseTable(inspection: Inspection, facts: ServerFacts, options: RefusalOptions): void {
  refuseKind(inspection, options);
  const refusals = new Refusals();
  if (!options.skipForeignKeyChecks) refusals.judge(() => refuseForeignKeys(inspection, facts, options));
  if (!options.includeTriggers) refusals.judge(() => refuseTriggers(inspection));
  // What an earlier run had not seen the end of lies behind the position from which it is continued.
  if (!options.resume) refusals.judge(() => refusePreparedXa(inspection, facts));
  refusals.judge(() => refuseKeyless(inspection.definition?.indexes ?? []));
  refusals.throwIfAny();
}

function refuseTriggers({ ref, triggers }: Inspection): void {
  if (triggers.length === 0) return;
  const list = triggers.map((t) => `${t.name} (${t.timing} ${t.event})`).join(', ');
  throw refusal(
    'triggers',
    `${quoteTable(ref)} has triggers: ${list}. They would not be on the new table.`,
    'Say --include-triggers with --trigger-suffix; or drop them, migrate, and create them again on the new table.',
  );
}

const SYSTEM_SCHEMAS = new Set(['mysql', 'information_schema', 'performance_schema', 'sys']);

/**
 * Refuses what is no ordinary table of a fitting engine.
 * @throws Refusal `system-schema`, `not-found`, `view`, `sequence`, `not-a-table`, `system-versioned`, `engine`.
 */
export function refuseKind(inspection: Inspection, options: RefusalOptions): void {
  const { kind, ref, definition } = inspection;
  const table = quoteTable(ref);
  if (SYSTEM_SCHEMAS.has(ref.schema.toLowerCase())) {
    throw refusal('system-schema', `${table} belongs to the server itself.`, 'Choose a table of yours.');
  }
  switch (kind) {
    case 'missing':
      refuseHalfRenamed(inspection);
      throw refusal(
        'not-found',
        `The table ${table} cannot be found.`,
        'Check --database and --table, upper and lower case too, and that the account has a grant on it.',
      );
    case 'view':
      throw refusal('view', `${table} is a view, not a table.`, 'Migrate the tables that it reads.');
    case 'sequence':
      throw refusal('sequence', `${table} is a sequence, not a table.`, 'Use ALTER SEQUENCE.');
    case 'system-versioned':
      throw refusal(
        'system-versioned',
        `${table} is system-versioned: its history and row times would not survive a copy.`,
        'Use ALTER TABLE of the server, or DROP SYSTEM VERSIONING first if the history may go.',
      );
    case 'other':
      throw refusal('not-a-table', `${table} is not an ordinary table.`, 'Choose a base table.');
    case 'table':
  }
  const engine = definition?.engine ?? '';
  if (!definition || engine.toLowerCase() !== options.storageEngine) {
    throw refusal(
      'engine',
      `${table} has the engine ${engine || '?'}; transactions of ${options.storageEngine} are needed.`,
      options.storageEngine === 'innodb' && engine.toLowerCase() === 'rocksdb'
        ? 'Say --storage-engine=rocksdb.'
        : 'Convert it first with ALTER TABLE .. ENGINE=InnoDB, which stops its writers.',
    );
  }
}

function refuseForeignKeys(inspection: Inspection, facts: ServerFacts, options: RefusalOptions): void {
  const refusals = new Refusals();
  refusals.judge(() => refuseParent(inspection));
  refusals.judge(() => refuseSilentCascades(inspection, facts));
  if (!options.discardForeignKeys) refusals.judge(() => refuseChild(inspection));
  refusals.throwIfAny();
}

function refuseParent({ ref, foreignKeys: { pointing } }: Inspection): void {
  if (pointing.length === 0) return;
  throw refusal(
    'foreign-key-parent',
    `Other tables reference ${quoteTable(ref)}: ${listed(pointing)}. They would follow the old table at its RENAME.`,
    'Drop these foreign keys, migrate, create them again. Only --skip-foreign-key-checks overrides this.',
  );
}

function refuseSilentCascades({ ref, foreignKeys: { own } }: Inspection, facts: ServerFacts): void {
  const silent = facts.logsCascades ? [] : own.filter(cascades);
  if (silent.length === 0) return;
  throw refusal(
    'foreign-key-cascade',
    `${quoteTable(ref)} is changed by the server through ${listed(silent)}, and this server does not write ` +
      'those changes to its binlog: they would be lost, --discard-foreign-keys or not.',
    'Drop these foreign keys first, or replace CASCADE and SET NULL by RESTRICT.',
  );
}

function refuseChild({ ref, foreignKeys: { own } }: Inspection): void {
  if (own.length === 0) return;
  throw refusal(
    'foreign-key-child',
    `${quoteTable(ref)} has foreign keys: ${listed(own)}. The new table would not have them.`,
    'To lose them, say --discard-foreign-keys.',
  );
}

function listed(keys: readonly ForeignKey[]): string {
  return keys
    .map((key) => {
      const rules = `ON DELETE ${key.onDelete} ON UPDATE ${key.onUpdate}`;
      return `${key.name} (${quoteTable(key.child)} to ${quoteTable(key.parent)} ${rules})`;
    })
    .join(', ');
}

/**
 * Refuses to begin while XA transactions are prepared that may have changed the table.
 * @throws Refusal `xa-prepared`.
 */
export function refusePreparedXa(inspection: Inspection, facts: ServerFacts): void {
  const { preparedXa, locks, ref } = inspection;
  if (!preparedXa || preparedXa.length === 0) return;
  // Where locks can be seen, a prepared transaction that wrote to the table holds one without a connection.
  const visible = facts.flavor === 'mysql' && facts.lockSource === 'performance-schema';
  if (visible && !locks.some((lock) => /WRITE|EXCLUSIVE/.test(lock.mode) && lock.granted)) return;
  throw refusal(
    'xa-prepared',
    `XA transactions are prepared and not ended: ${preparedXa.join(', ')}. ` +
      `If they changed ${quoteTable(ref)}, that is ` +
      'in the binlog before the place where reading begins, and would be missed when they commit.',
    'End them with XA COMMIT or XA ROLLBACK (see XA RECOVER) and start again.',
  );
}

/**
 * Refuses row images that may lack the migration key. For when the key has been chosen.
 * @param key the index that is the migration key.
 * @throws Refusal `binlog-row-image`.
 */
export function refuseRowImage(
  facts: ServerFacts,
  key: { readonly name: string; readonly primary: boolean },
): void {
  if (key.primary || facts.binlogRowImage === 'FULL') return;
  throw refusal(
    'binlog-row-image',
    `The server ${facts.hostname}:${facts.port} has binlog_row_image=${facts.binlogRowImage}: ` +
      `its binlog need not contain the columns of the key ${key.name}, which is not the primary key.`,
    'SET GLOBAL binlog_row_image=FULL, and let the applications reconnect.',
  );
}

/**
 * Refuses accounts that cannot carry a migration through. Not "untouched": a probe table came and went.
 * @throws Refusal `privileges`.
 */
export function refusePrivileges(report: PrivilegeReport): void {
  const required = report.missing.filter((missing) => missing.required);
  if (required.length === 0) return;
  const list = required.map(({ privilege, purpose }) => `${privilege} (${purpose})`).join(', ');
  throw refusal(
    'privileges',
    `The account ${report.account} lacks ${list}.`,
    `Run: ${required.map((missing) => `${missing.grantSql};`).join(' ')}`,
  );
}
