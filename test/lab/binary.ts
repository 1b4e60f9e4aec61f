import { createHash } from 'node:crypto';
import { existsSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { messageOf } from '../../src/base/errors.ts';
import { unpackPackages } from './apt.ts';
import { cached } from './cache.ts';
import { type Flavor, TRAITS } from './flavor.ts';
import { run } from './run.ts';

/** A server program that can be started. */
export interface ServerBinary {
  readonly flavor: Flavor;
  /** As `9.7.4` or `10.11.18`. */
  readonly version: string;
  /** The program with what stands before its options: the loader of an unpacked one, or only its path. */
  readonly command: readonly string[];
  /** Options that tell it where its files are. */
  readonly layout: readonly string[];
  /** Folder with messages and scripts. */
  readonly shareFolder: string;
  /** Undefined where plugins are found by the program itself. */
  readonly pluginFolder: string | undefined;
  /** Differs between programs: the name of what is cached for this one. */
  readonly key: string;
}

const found = new Map<Flavor, Promise<ServerBinary>>();

/**
 * Finds a server program: the environment's, one on the PATH, one unpacked before; else it unpacks one
 * into the user's cache folder.
 * @throws an Error that lists all the ways, where none works.
 */
export function findBinary(flavor: Flavor): Promise<ServerBinary> {
  let binary = found.get(flavor);
  if (binary === undefined) {
    binary = search(flavor);
    found.set(flavor, binary);
  }
  return binary;
}

async function search(flavor: Flavor): Promise<ServerBinary> {
  const { binaryName, binaryVariable, urlVariable, packages } = TRAITS[flavor];
  const named = process.env[binaryVariable];
  if (named) {
    const binary = await probe(flavor, [named], named);
    if (binary !== undefined) return binary;
    throw new Error(`${binaryVariable}=${named} is no ${flavor} server that can be started`);
  }
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const folder of folders) {
    const path = join(folder, binaryName);
    const binary = existsSync(path) ? await probe(flavor, [path], path) : undefined;
    if (binary !== undefined) return binary;
  }
  try {
    return await unpacked(flavor);
  } catch (error) {
    throw new Error(
      `No ${flavor} server to test with. Any of these helps:\n` +
        `  - ${urlVariable}=mysql://user:password@host:port of a running server\n` +
        `  - ${binaryVariable}=/path/of/${binaryName}\n` +
        `  - ${binaryName} on the PATH\n` +
        `  - on Debian, a package source that works: ${packages.join(', ')} are then unpacked into the cache\n` +
        `    (this failed: ${messageOf(error)})`,
      { cause: error },
    );
  }
}

async function unpacked(flavor: Flavor): Promise<ServerBinary> {
  const { binaryName, packages, suite } = TRAITS[flavor];
  const base = await cached(`${flavor}-unpacked-1`, async (folder) => {
    process.stderr.write(`lab: unpacking a ${flavor} server, once\n`);
    const downloads = join(folder, 'downloads');
    await unpackPackages(packages, suite, downloads, join(folder, 'root'));
    rmSync(downloads, { recursive: true, force: true });
  });
  const root = join(base, 'root');
  const path = join(root, 'usr', 'sbin', binaryName);
  const command = [...loaderOf(root), path];
  const binary = await probe(flavor, command, path);
  if (binary === undefined) throw new Error(`${path} was unpacked and does not start`);
  return binary;
}

/** The unpacked program runs on the C library it was built for, through that library's own loader. */
function loaderOf(root: string): string[] {
  const folders = ['lib', 'usr/lib'].flatMap((lib) => {
    const folder = join(root, lib);
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.includes('-linux-')) : [];
    return names.map((name) => join(folder, name));
  });
  for (const folder of folders) {
    const name = readdirSync(folder).find((candidate) => /^ld-linux.*\.so\.\d+$/.test(candidate));
    if (name !== undefined) return [join(folder, name), '--library-path', folders.join(':')];
  }
  throw new Error(`no loader below ${root}`);
}

/** Asks the program what it is: `mysqld` may well be MariaDB's. */
async function probe(flavor: Flavor, command: string[], path: string): Promise<ServerBinary | undefined> {
  const answer = await run([...command, '--no-defaults', '--version']).catch(() => undefined);
  const version = /Ver (\d+\.\d+\.\d+)/.exec(answer?.stdout ?? '')?.[1];
  if (answer?.code !== 0 || version === undefined) return undefined;
  if (/MariaDB/.test(answer.stdout) !== (flavor === 'mariadb')) return undefined;
  const base = dirname(dirname(realpathSync(path)));
  const firstThere = (...paths: string[]): string | undefined =>
    paths.map((name) => join(base, name)).find((candidate) => existsSync(candidate));
  const shareFolder = firstThere('share/mysql', 'share/mariadb', 'share') ?? base;
  const pluginFolder = firstThere('lib/mysql/plugin', 'lib/plugin', 'lib64/mysql/plugin');
  const layout = [`--basedir=${base}`, `--lc-messages-dir=${shareFolder}`];
  if (pluginFolder !== undefined) layout.push(`--plugin-dir=${pluginFolder}`);
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 8);
  const key = `${flavor}-${version}-${hash}`;
  return { flavor, version, command, layout, shareFolder, pluginFolder, key };
}
