import { isIPv4 } from 'node:net';
import { UsageError } from '../base/errors.ts';
import type { OptionValues } from './options.ts';
import { verifyPercent } from './verify-option.ts';

/** Whether something is wrong with the options together, and what to say then. */
interface Rule {
  /** Where it holds; everywhere when not given. */
  readonly command?: 'migrate';
  readonly broken: (values: OptionValues) => boolean;
  readonly message: string;
  readonly hint?: string;
}

const rules: readonly Rule[] = [
  {
    command: 'migrate',
    broken: ({ alter, revert }) => !revert && (alter === null || alter.trim() === ''),
    message: '--alter must be given, and must not be empty',
    hint: 'For example: --alter "ADD COLUMN note TEXT", or --alter "ENGINE=InnoDB" for a rebuild.',
  },
  {
    command: 'migrate',
    broken: ({ resume, execute }) => resume && !execute,
    message: '--resume needs --execute',
    hint: 'A run without --execute leaves nothing that could be gone on with.',
  },
  {
    command: 'migrate',
    broken: ({ revert, oldTable }) => revert !== ((oldTable ?? '') !== ''),
    message: '--revert and --old-table go together',
    hint: 'For example: --revert --old-table=_t_del, of a migration that ran with --checkpoint.',
  },
  {
    broken: ({ revert, resume }) => revert && resume,
    message: '--revert and --resume contradict each other',
    hint: 'A revert that was cut off is begun again by the same command.',
  },
  {
    broken: ({ revert, testOnReplica }) => revert && testOnReplica,
    message: '--revert does not go with --test-on-replica',
  },
  {
    broken: ({ includeTriggers, triggerSuffix }) => includeTriggers !== ((triggerSuffix ?? '') !== ''),
    message: '--include-triggers and --trigger-suffix go together',
    hint: 'The old table keeps its triggers with their names, so the new ones need others.',
  },
  {
    broken: ({ triggerSuffix }) => !/^\w*$/.test(triggerSuffix ?? ''),
    message: '--trigger-suffix may hold letters without accents, digits and underscores only',
  },
  {
    broken: ({ allowOnMaster, migrateOnReplica, testOnReplica }) =>
      allowOnMaster && (migrateOnReplica || testOnReplica),
    message: '--allow-on-master does not go with --migrate-on-replica or --test-on-replica',
    hint: 'Those change the replica and nothing else.',
  },
  {
    broken: ({ migrateOnReplica, testOnReplica }) => migrateOnReplica && testOnReplica,
    message: '--migrate-on-replica and --test-on-replica are two different things',
  },
  {
    broken: ({ testOnReplica, testOnReplicaSkipReplicaStop }) =>
      testOnReplicaSkipReplicaStop && !testOnReplica,
    message: '--test-on-replica-skip-replica-stop needs --test-on-replica',
  },
  {
    broken: ({ switchToRbr, assumeRbr }) => switchToRbr && assumeRbr,
    message: '--switch-to-rbr and --assume-rbr contradict each other',
  },
  {
    broken: ({ masterUser, masterPassword, assumeMasterHost }) =>
      assumeMasterHost === null && (masterUser !== null || masterPassword !== null),
    message: '--master-user and --master-password need --assume-master-host',
    hint: 'Where the primary is looked for, the account of --user is used on every server.',
  },
  needsSsl('--ssl-ca', ({ sslCa }) => sslCa !== null),
  needsSsl('--ssl-cert', ({ sslCert }) => sslCert !== null),
  needsSsl('--ssl-key', ({ sslKey }) => sslKey !== null),
  needsSsl('--ssl-allow-insecure', ({ sslAllowInsecure }) => sslAllowInsecure),
  {
    broken: ({ sslCert, sslKey }) => (sslCert === null) !== (sslKey === null),
    message: '--ssl-cert and --ssl-key go together',
  },
  {
    broken: ({ serveTcpPort, serveTcpAddress, serveTcpToken }) =>
      serveTcpPort !== 0 && serveTcpToken === null && !isLoopback(serveTcpAddress),
    message: '--serve-tcp-address needs --serve-tcp-token unless it is a loopback address',
    hint: 'Whoever can send commands can abandon the migration, or cut over.',
  },
  {
    broken: ({ serveTcpToken }) => serveTcpToken !== null && !/^\S+$/.test(serveTcpToken),
    message: '--serve-tcp-token is a word without spaces',
  },
];

/**
 * Checks the options of a command against each other.
 * @throws UsageError for the first rule that is broken.
 */
export function checkOptions(values: OptionValues, command: 'migrate' | 'cleanup'): void {
  verifyPercent(values.verify);
  for (const { broken, message, hint, command: only = command } of rules)
    if (only === command && broken(values)) throw new UsageError(message, hint === undefined ? {} : { hint });
}

function needsSsl(name: string, given: (values: OptionValues) => boolean): Rule {
  return {
    broken: (values) => given(values) && !values.ssl,
    message: `${name} needs --ssl`,
    hint: 'Add --ssl: without it the connection would not be encrypted at all.',
  };
}

/** Addresses that only this machine can reach. A name other than localhost could be anything tomorrow. */
function isLoopback(address: string): boolean {
  return isIPv4(address) ? address.startsWith('127.') : ['localhost', '::1'].includes(address);
}
