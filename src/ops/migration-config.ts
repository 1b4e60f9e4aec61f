import { readFileSync } from 'node:fs';
import { messageOf, UsageError } from '../base/errors.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { MigrationConfig } from '../migrator/config.ts';
import { ConnectionOptions, type TlsOptions } from '../mysql/connection-options.ts';
import { splitAddress } from '../mysql/replica-lag.ts';
import type { TopologyOptions } from '../mysql/topology.ts';
import type { OptionValues } from './options.ts';
import { verifyPercent } from './verify-option.ts';
import { version } from './version.ts';

const connectTimeoutMs = 10_000;
/** Sessions of the applier at the most; their number adapts. */
const applySessions = 8;

/** What the options do not say. */
export interface ConfigExtras {
  readonly password: string;
  readonly target: TableRef;
  readonly socketFile: string;
  /** When the run began, for the old table's name. */
  readonly wallMs: number;
}

/** The migration that the options ask for. @throws UsageError when a certificate cannot be read. */
export function migrationConfig(options: OptionValues, extras: ConfigExtras): MigrationConfig {
  const connection = connectionOf(options, extras.password);
  return {
    connection,
    inspected: connection,
    topology: topologyOf(options),
    table: extras.target,
    alter: options.alter ?? '',
    execute: options.execute,
    refusals: {
      allowOnMaster: options.allowOnMaster,
      discardForeignKeys: options.discardForeignKeys,
      skipForeignKeyChecks: options.skipForeignKeyChecks,
      includeTriggers: options.includeTriggers,
      initiallyDropGhostTable: options.initiallyDropGhostTable,
      initiallyDropOldTable: options.initiallyDropOldTable,
      resume: options.resume,
      storageEngine: options.storageEngine,
    },
    setUpInstruments: options.allowSetupMetadataLockInstruments,
    allowZeroDates: options.allowZeroInDate,
    attempt: { instant: options.attemptInstantDdl, inPlace: options.attemptInplaceDdl },
    triggers: options.includeTriggers
      ? { suffix: options.triggerSuffix ?? '', removeSuffix: options.removeTriggerSuffixIfExists }
      : null,
    approveRenamedColumns: options.approveRenamedColumns,
    skipRenamedColumns: options.skipRenamedColumns,
    allowNullableUniqueKey: options.allowNullableUniqueKey,
    allowLossy: options.allowLossy,
    skipStrictMode: options.skipStrictMode,
    names: {
      baseName: options.forceTableNames ?? undefined,
      oldTableAtMs: options.timestampOldTable ? extras.wallMs : undefined,
      revertOf: options.revert ? (options.oldTable ?? undefined) : undefined,
    },
    keepCheckpoint: options.checkpoint && !options.okToDropTable && !options.revert && !options.testOnReplica,
    okToDropTable: options.okToDropTable,
    deferIndexes: options.deferIndexes,
    gtid: options.gtid ? 'on' : 'auto',
    replicaServerId: options.replicaServerId,
    streamReconnectsMax: options.binlogsyncerMaxReconnectAttempts || null,
    copyWorkers: options.concurrency,
    applySessions,
    verify: { percent: verifyPercent(options.verify), workers: options.verifyConcurrency },
    heartbeatIntervalMs: options.heartbeatIntervalMillis,
    checkpointIntervalMs: options.checkpointSeconds * 1000,
    rowCounting: !options.exactRowcount ? 'off' : options.concurrentRowcount ? 'beside' : 'before',
    toolVersion: version(),
    retries: options.defaultRetries,
    cutOver: cutOverOf(options),
    throttleFlagFile: options.throttleFlagFile,
    throttleAdditionalFlagFile: options.throttleAdditionalFlagFile,
    throttle: {
      criticalLoad: {
        intervalMs: options.criticalLoadIntervalMillis,
        hibernateMs: options.criticalLoadHibernateSeconds * 1000,
      },
      http: {
        intervalMs: options.throttleHttpIntervalMillis,
        timeoutMs: options.throttleHttpTimeoutMillis,
        ignoreErrors: options.ignoreHttpErrors,
      },
      discoverReplicas: options.discoverReplicas,
    },
    panicFlagFile: options.panicFlagFile,
    socketFile: extras.socketFile,
    tcpPort: options.serveTcpPort === 0 ? null : options.serveTcpPort,
  };
}

function cutOverOf(options: OptionValues): MigrationConfig['cutOver'] {
  return {
    kind: options.cutOver,
    analyze: options.analyzeGhostTableBeforeCutover,
    lockTimeoutSeconds: options.cutOverLockTimeoutSeconds,
    exponentialBackoff: options.cutOverExponentialBackoff,
    backoffMaxSeconds: options.exponentialBackoffMaxInterval,
  };
}

/** What the operator has said about the servers. */
export function topologyOf(options: OptionValues): TopologyOptions {
  const { assumeMasterHost: primary, masterUser: user, masterPassword: password } = options;
  const account = { ...(user === null ? {} : { user }), ...(password === null ? {} : { password }) };
  return {
    onReplica: options.migrateOnReplica || options.testOnReplica,
    testOnly: options.testOnReplica,
    skipReplicaStop: options.testOnReplicaSkipReplicaStop,
    assumed: primary === null ? null : { ...splitAddress(primary, 3306), ...account },
    allowMasterMaster: options.allowMasterMaster,
    switchToRbr: options.switchToRbr,
  };
}

/** How to reach the server. @throws UsageError when a certificate cannot be read. */
export function connectionOf(options: OptionValues, password: string): ConnectionOptions {
  const ssl = tlsOf(options);
  return new ConnectionOptions({
    host: options.host,
    port: options.port,
    user: options.user,
    password,
    connectTimeoutMs: options.mysqlTimeout > 0 ? options.mysqlTimeout * 1000 : connectTimeoutMs,
    ...(ssl ? { ssl } : {}),
  });
}

function tlsOf(options: OptionValues): TlsOptions | undefined {
  if (!options.ssl) return undefined;
  return {
    rejectUnauthorized: !options.sslAllowInsecure,
    ...pem('ca', '--ssl-ca', options.sslCa),
    ...pem('cert', '--ssl-cert', options.sslCert),
    ...pem('key', '--ssl-key', options.sslKey),
  };
}

function pem(field: 'ca' | 'cert' | 'key', flag: string, path: string | null): Partial<TlsOptions> {
  if (path === null) return {};
  try {
    return { [field]: readFileSync(path, 'utf8') };
  } catch (error) {
    throw new UsageError(`cannot read ${path}, given as ${flag}: ${messageOf(error)}`, { cause: error });
  }
}
