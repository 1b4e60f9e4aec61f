import { flag, type OptionSpec, text } from './spec.ts';

/** Who replicates from whom, and where the tables are changed: docs/topologies.md. */
export const topologyOptions = {
  'allow-on-master': flag('U', 'the server given may be the primary'),
  'assume-master-host': text(
    'C',
    null,
    'host[:port] of the primary, instead of looking for it from replica to source',
  ),
  'master-user': text('N', null, 'account on the primary; needs --assume-master-host'),
  'master-password': text('N', null, 'password of that account; needs --assume-master-host', {
    secret: true,
  }),
  'allow-master-master': flag(
    'N',
    'servers may replicate from each other in a circle, if only one takes writes',
  ),
  'migrate-on-replica': flag(
    'N',
    'change the table on the replica given, cut-over included, and nowhere else',
  ),
  'test-on-replica': flag(
    'C',
    'try it on the replica given: replication is stopped, the tables are swapped and swapped back, and both are left for comparison',
  ),
  'test-on-replica-skip-replica-stop': flag(
    'N',
    'do not stop replication in that mode: a hook or the operator does, before the cut-over',
  ),
  'assume-rbr': flag('U', 'the server is known to write row events; nothing is restarted to make sure', {
    withoutEffect: 'replication is never restarted to make sure, the format is read from the stream itself',
  }),
  'switch-to-rbr': flag(
    'V',
    'set binlog_format=ROW on the server given if need be; refused where it has replicas',
  ),
} satisfies Record<string, OptionSpec>;
