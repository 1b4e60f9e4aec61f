/**
 * Starts a server for a developer and keeps it until Ctrl-C:
 * `npx tsx test/lab/serve.ts [--flavor mysql|mariadb] [--replicas N] [--fast] [--option name=value]...`
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { type Flavor, type LabServer, startLab } from './lab.ts';

const { values } = parseArgs({
  options: {
    flavor: { type: 'string', default: 'mysql' },
    replicas: { type: 'string', default: '0' },
    fast: { type: 'boolean', default: false },
    option: { type: 'string', multiple: true, default: [] },
  },
});
if (values.flavor !== 'mysql' && values.flavor !== 'mariadb') throw new Error('--flavor is mysql or mariadb');
const flavor: Flavor = values.flavor;
const options = Object.fromEntries(
  values.option.map((text) => {
    const at = text.indexOf('=');
    return at < 0 ? [text, true] : [text.slice(0, at), text.slice(at + 1)];
  }),
);

const lab = await startLab({ flavor, replicas: Number(values.replicas), fast: values.fast, options });
const describe = (role: string, server: LabServer): string =>
  `${role}: ${server.flavor} ${server.version}  --host ${server.host} --port ${server.port}` +
  ` --user ${server.user} --password ${server.password}  socket ${server.socketPath}`;
process.stdout.write(`${describe('primary', lab.primary)}\n`);
for (const replica of lab.replicas) process.stdout.write(`${describe('replica', replica)}\n`);
process.stdout.write('Ctrl-C ends it and removes its data.\n');

const waiting = setInterval(() => {}, 60_000);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
clearInterval(waiting);
await lab.stop();
