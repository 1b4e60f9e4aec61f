import { flag, float, int, type OptionSpec, path, text } from './spec.ts';

/** Where and as whom to connect. */
export const connectionOptions = {
  host: text('U', '127.0.0.1', 'server to inspect and to read changes from'),
  port: int('U', 3306, [1, 65535], 'its port'),
  user: text('U', '', 'account (goes before the conf file)'),
  password: text('U', '', 'password (goes before the conf file; prefer --conf or --ask-pass)', {
    secret: true,
  }),
  'ask-pass': flag('C', 'ask for the password on the terminal', { commandLineOnly: true }),
  conf: path('U', 'file in the style of my.cnf: [client] user, password, host, port; [osc] any option', {
    commandLineOnly: true,
  }),
  ssl: flag(
    'U',
    'connect with TLS; the certificate is checked for the name in --host, an address will not do',
  ),
  'ssl-ca': path('C', 'certificate authority, PEM; needs --ssl'),
  'ssl-cert': path('C', 'client certificate, PEM; needs --ssl'),
  'ssl-key': path('C', 'key of the client certificate, PEM; needs --ssl'),
  'ssl-allow-insecure': flag('C', 'do not check the certificate chain and the host name; needs --ssl'),
  'mysql-timeout': float('C', 0, [0, 86400], 'seconds that connecting may take; 0 = our own limits'),
  'replica-server-id': int(
    'C',
    null,
    [1, 4294967295],
    'server id under which the binlog is read; no other reader may have it; not given: a free one is picked (gh-ost: 99999)',
  ),
  'binlogsyncer-max-reconnect-attempts': int(
    'N',
    0,
    [0, 1_000_000],
    'attempts in a row to connect the change stream again before the run fails; 0: 10, 30 on a replica (gh-ost: no limit)',
  ),
  gtid: flag(
    'C',
    'the change stream is placed by GTID, or refused; not given: by GTID where the server has it',
  ),
} satisfies Record<string, OptionSpec>;
