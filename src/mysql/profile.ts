/** How a session is set up. Every value here is the server's session variable unless said otherwise. */
export interface SessionProfile {
  /** Numeric offset: named zones need tables that a server may lack. `SYSTEM` is possible too. */
  readonly timeZone: string;
  readonly sqlMode: string;
  /** Metadata locks (DDL, LOCK TABLES), seconds. */
  readonly lockWaitTimeoutSeconds: number;
  /** Row locks, seconds. */
  readonly innodbLockWaitTimeoutSeconds: number;
  /** How long the server keeps us when we say nothing: a dead client's locks go with it. Seconds. */
  readonly waitTimeoutSeconds: number;
  /** Ours: the deadline of statements that give none; null for none (DDL). */
  readonly statementTimeoutMs: number | null;
  /** More variables to set, as `name=value`. */
  readonly more?: readonly string[];
}

/** The same without strict mode: what does not fit is a warning. See core/lossy.ts for what may use it. */
export function withoutStrictMode(profile: SessionProfile, more: readonly string[]): SessionProfile {
  return { ...profile, sqlMode: profile.sqlMode.replace(/\bSTRICT_\w+,?/g, ''), more };
}

/** For data: what is there must survive (zero dates), what does not fit must fail. */
export const DATA_SQL_MODE =
  'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION';

/** For copy, sync, verify and questions to the server. */
export const dataProfile: SessionProfile = {
  timeZone: '+00:00',
  sqlMode: DATA_SQL_MODE,
  lockWaitTimeoutSeconds: 30,
  innodbLockWaitTimeoutSeconds: 3,
  waitTimeoutSeconds: 600,
  statementTimeoutMs: null,
};

/** Variables whose presence is asked for before they are set; the others exist everywhere. */
const OPTIONAL = [
  'transaction_isolation',
  'tx_isolation',
  'transaction_read_only',
  'tx_read_only',
  'range_optimizer_max_mem_size',
  'max_execution_time',
  'max_statement_time',
  'idle_transaction_timeout',
  'information_schema_stats_expiry',
  'show_gipk_in_create_table_and_information_schema',
] as const;

/** Read along with them: the connection's id, and which server this is. */
const IDENTITY = ['pseudo_thread_id', 'server_id', 'hostname', 'port'] as const;

/** The question to ask first; its answer (name to value) goes into `profileSql`. */
export const capabilitiesSql = `SHOW SESSION VARIABLES WHERE Variable_name IN (${[...OPTIONAL, ...IDENTITY]
  .map((name) => `'${name}'`)
  .join(', ')})`;

/**
 * One SET for the whole profile.
 * @param variables what the server answered to `capabilitiesSql`: capabilities, not versions.
 */
export function profileSql(profile: SessionProfile, variables: ReadonlyMap<string, string>): string {
  const has = (name: (typeof OPTIONAL)[number]): boolean => variables.has(name);
  const isolation = has('transaction_isolation') ? 'transaction_isolation' : 'tx_isolation';
  const settings: string[] = [
    'character_set_client=utf8mb4',
    'character_set_results=utf8mb4',
    'character_set_connection=utf8mb4',
    'collation_connection=utf8mb4_bin',
    // The messages of 1062 are parsed.
    "lc_messages='en_US'",
    `sql_mode='${profile.sqlMode}'`,
    `time_zone='${profile.timeZone}'`,
    'autocommit=1',
    `${isolation}='READ-COMMITTED'`,
    `innodb_lock_wait_timeout=${profile.innodbLockWaitTimeoutSeconds}`,
    `lock_wait_timeout=${profile.lockWaitTimeoutSeconds}`,
    `wait_timeout=${profile.waitTimeoutSeconds}`,
    'sql_quote_show_create=1',
    // Guard rails that an administrator may have made the default for people must not cut a copy short.
    'sql_safe_updates=0',
    'sql_big_selects=1',
    // 2^64-1 is "none"; DEFAULT would be whatever the global value says.
    'sql_select_limit=18446744073709551615',
    'completion_type=0',
  ];
  if (has('transaction_read_only')) settings.push('transaction_read_only=0');
  else if (has('tx_read_only')) settings.push('tx_read_only=0');
  // A range list that overflows this memory becomes a full table scan.
  if (has('range_optimizer_max_mem_size')) settings.push('range_optimizer_max_mem_size=0');
  if (has('max_execution_time')) settings.push('max_execution_time=0');
  if (has('max_statement_time')) settings.push('max_statement_time=0');
  if (has('idle_transaction_timeout')) settings.push('idle_transaction_timeout=0');
  if (has('information_schema_stats_expiry')) settings.push('information_schema_stats_expiry=0');
  // A generated invisible primary key is a column like others to us: it must be seen.
  if (has('show_gipk_in_create_table_and_information_schema')) {
    settings.push('show_gipk_in_create_table_and_information_schema=1');
  }
  settings.push(...(profile.more ?? []));
  return `SET ${settings.map((setting) => `SESSION ${setting}`).join(', ')}`;
}
