import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './run.ts';

/** One archive that the machine's own package manager is set up with. */
export interface PackageSource {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
}

/**
 * Downloads packages and all they need with Debian's apt, in folders of its own, and unpacks them below
 * `root`. Neither root rights nor a change of the system: its sources and settings are only read.
 * @param folder an empty folder for lists and archives.
 * @param suite the suite to take them from; undefined is the machine's own.
 * @throws an Error where apt or a source is missing or the download fails.
 */
export async function unpackPackages(
  packages: readonly string[],
  suite: string | undefined,
  folder: string,
  root: string,
): Promise<void> {
  const config = writeConfig(folder, suite);
  const apt = ['apt-get', '-qq', '-y', '-c', config];
  await mustRun([...apt, 'update']);
  await mustRun([...apt, '--download-only', '--no-install-recommends', 'install', ...packages]);
  const archives = join(folder, 'cache', 'archives');
  mkdirSync(root, { recursive: true });
  for (const file of readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
    await mustRun(['dpkg', '-x', join(archives, file), root]);
  }
}

function writeConfig(folder: string, suite: string | undefined): string {
  for (const path of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(folder, path), { recursive: true });
  }
  // No package counts as installed, so everything that is needed gets downloaded, down to the C library.
  writeFileSync(join(folder, 'status'), '');
  const codename = machineCodename();
  const source = mainSource(machineSources(), codename);
  const keyring = signingKeyring();
  const options = keyring === undefined ? '' : `[signed-by=${keyring}] `;
  writeFileSync(join(folder, 'sources.list'), `deb ${options}${source.uri} ${suite ?? codename} main\n`);
  const lines = [
    `Dir::Etc::SourceList "${folder}/sources.list";`,
    'Dir::Etc::SourceParts "/dev/null";',
    `Dir::State "${folder}";`,
    `Dir::State::Lists "${folder}/lists";`,
    `Dir::State::status "${folder}/status";`,
    `Dir::Cache "${folder}/cache";`,
    'Acquire::Languages "none";',
    'Acquire::Retries "3";',
    'APT::Sandbox::User "root";', // the sandbox's user may not write to a cache folder of ours
    // Hooks of the machine look after its own folders.
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
    '#clear DPkg::Post-Invoke;',
  ];
  const config = join(folder, 'apt.conf');
  writeFileSync(config, `${lines.join('\n')}\n`);
  return config;
}

function machineCodename(): string {
  const codename = /^VERSION_CODENAME=(\S+)/m.exec(readIfThere('/etc/os-release'))?.[1];
  if (codename === undefined)
    throw new Error('this machine is no Debian: it has no apt to unpack a server with');
  return codename.replaceAll('"', '');
}

function mainSource(sources: readonly PackageSource[], codename: string): PackageSource {
  const suites = [codename, 'stable', 'testing', 'unstable', 'sid'];
  const found = sources.find(
    (source) => source.components.includes('main') && source.suites.some((suite) => suites.includes(suite)),
  );
  if (found === undefined) throw new Error(`no package source of this machine carries ${codename} main`);
  return found;
}

function machineSources(): PackageSource[] {
  const parts = '/etc/apt/sources.list.d';
  const files = existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : [];
  return ['/etc/apt/sources.list', ...files.sort()].flatMap((file) => {
    if (file.endsWith('.sources')) return parseStanzas(readIfThere(file));
    return file.endsWith('.list') ? parseLines(readIfThere(file)) : [];
  });
}

/** Reads the one-line format: `deb [options] uri suite component...`. */
export function parseLines(text: string): PackageSource[] {
  return [...text.matchAll(/^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)([^\n#]*)/gm)].map((match) => ({
    uri: match[1] ?? '',
    suites: [match[2] ?? ''],
    components: words(match[3]),
  }));
}

/** Reads the deb822 format: stanzas of `Field: value`. */
export function parseStanzas(text: string): PackageSource[] {
  const plain = text.replace(/^#.*\n?/gm, '');
  return plain.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string[] =>
      words(new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1]);
    if (!field('Types').includes('deb') || field('Enabled')[0] === 'no') return [];
    const shared = { suites: field('Suites'), components: field('Components') };
    return field('URIs').map((uri) => ({ uri, ...shared }));
  });
}

function signingKeyring(): string | undefined {
  const folder = '/usr/share/keyrings';
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const name = names.find((candidate) => /^debian-archive-keyring\.(gpg|pgp)$/.test(candidate));
  return name === undefined ? undefined : join(folder, name);
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}
