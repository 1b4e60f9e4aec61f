import { findBinary, type ServerBinary } from './binary.ts';
import { type Flavor, TRAITS } from './flavor.ts';
import type { ServerSetup } from './options.ts';
import { startPrivateServer } from './private-server.ts';
import { attachReplica, type ReplicaSpec, replicaOptions, semiSyncOptions } from './replication.ts';
import { runningReplicaUrls, runningServerUrl, useRunningServer } from './running-server.ts';
import type { LabServer } from './server.ts';
import { dataTemplate } from './template.ts';

export { waitForReplica } from './replication.ts';
export type { LabServer, ServerAddress } from './server.ts';
export { quoteName, type Row, runSql, runSqlForValue } from './sql.ts';
export type { Flavor, ReplicaSpec, ServerSetup };

/** What a lab shall be. */
export interface LabSpec extends ServerSetup {
  readonly flavor: Flavor;
  /** A number of plain replicas, or what each shall be. Default none. */
  readonly replicas?: number | readonly ReplicaSpec[];
}

/** A primary and its replicas. */
export interface Lab {
  readonly primary: LabServer;
  readonly replicas: readonly LabServer[];
  /** Ends all servers and removes their folders. The end of the process does it too, in whatever way it comes. */
  stop(): Promise<void>;
}

/**
 * Starts a fresh primary and its replicas, in about two seconds; or gives the running ones that
 * `POLTERGEIST_MYSQL_URL` or `POLTERGEIST_MARIADB_URL` name (options of the spec do not apply to those).
 * @throws an Error where there is no server to start, or it does not start with these options.
 */
export async function startLab(spec: LabSpec): Promise<Lab> {
  const specs = replicaSpecs(spec);
  const url = runningServerUrl(spec.flavor);
  if (url !== undefined) return useRunningLab(spec.flavor, url, specs.length);
  const binary = await findBinary(spec.flavor);
  const servers: LabServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.dispose()));
  };
  try {
    const started = await Promise.allSettled([
      startPrivateServer(binary, primarySetup(binary, spec, specs)),
      ...specs.map((replica) => startPrivateServer(binary, replicaSetup(binary, spec, replica))),
    ]);
    for (const result of started) if (result.status === 'fulfilled') servers.push(result.value);
    for (const result of started) if (result.status === 'rejected') throw result.reason;
    const [primary, ...replicas] = servers as [LabServer, ...LabServer[]];
    await Promise.all(replicas.map((replica, index) => attachReplica(primary, replica, specs[index] ?? {})));
    return { primary, replicas, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Makes sure that a server of the flavor can be started without unpacking or initialising anything. */
export async function prefetchServer(flavor: Flavor): Promise<void> {
  if (runningServerUrl(flavor) === undefined) await dataTemplate(await findBinary(flavor));
}

function replicaSpecs(spec: LabSpec): readonly ReplicaSpec[] {
  if (typeof spec.replicas === 'number') return Array.from({ length: spec.replicas }, () => ({}));
  return spec.replicas ?? [];
}

function primarySetup(binary: ServerBinary, spec: LabSpec, replicas: readonly ReplicaSpec[]): ServerSetup {
  const waits = replicas.some((replica) => replica.semiSync);
  const semiSync = waits ? semiSyncOptions(binary, 'source') : {};
  return { ...spec, options: { ...semiSync, ...spec.options } };
}

function replicaSetup(binary: ServerBinary, spec: LabSpec, replica: ReplicaSpec): ServerSetup {
  const semiSync = replica.semiSync ? semiSyncOptions(binary, 'replica') : {};
  return {
    gtid: replica.gtid ?? spec.gtid ?? true,
    fast: replica.fast ?? spec.fast ?? false,
    ...(replica.env ? { env: replica.env } : {}),
    options: { ...semiSync, ...replicaOptions(binary.flavor, replica) },
  };
}

async function useRunningLab(flavor: Flavor, url: string, replicaCount: number): Promise<Lab> {
  const urls = runningReplicaUrls(flavor).slice(0, replicaCount);
  if (urls.length < replicaCount) {
    const { urlVariable, replicaUrlVariable } = TRAITS[flavor];
    throw new Error(
      `${urlVariable} is set, and ${replicaUrlVariable} does not name ${replicaCount} replica(s)`,
    );
  }
  const primary = await useRunningServer(flavor, url);
  const replicas = await Promise.all(urls.map((replica) => useRunningServer(flavor, replica)));
  return { primary, replicas, stop: () => Promise.resolve() };
}
