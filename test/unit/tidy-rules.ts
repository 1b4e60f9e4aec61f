/** The rules of the house (DESIGN 7 and 8), over the text of our own sources. */
import { dirname, posix } from 'node:path';
import { functionsOf, lineAt, type Source } from './tidy-source.ts';

/** `path:line: what is wrong`. */
export type Violation = string;

/** Tables of cases may be a little longer than code. */
const limits = { fileLines: 300, testFileLines: 340, functionLines: 70, columns: 150 };

/** Lower ones may not import higher ones. */
const layers = ['base', 'core', 'mysql', 'stages', 'migrator', 'ops', 'cli'];

/** Which packages and parts of Node are somebody's alone; a pattern, and the layers that may import it. */
const owned: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^(mysql2|@vlasky\/zongji)(\/|$)/, ['mysql']],
  [/^(commander|pino)(\/|$)/, ['ops']],
  [/^node:(fs|net|tls|http|https|child_process|dns|readline|tty)(\/|$)/, ['mysql', 'migrator', 'ops', 'cli']],
  [/^node:timers(\/|$)/, []],
];

/** Where the machine's own clock may be used. */
const clockFiles = new Set(['src/base/clock.ts']);

const clockCalls = new RegExp(
  [
    '(?<![.\\w])(setTimeout|setInterval)\\s*\\(',
    '\\b(Date\\.now|performance\\.now|AbortSignal\\.timeout)\\b',
    '\\bnew Date\\(\\)',
  ].join('|'),
  'g',
);

/** Words that we have another word for, in identifiers and comments. */
const banned: readonly (readonly [RegExp, string])[] = [
  [/\bshadow[ _-]?tables?\b|\bshadow[A-Z]\w*/gi, 'ghost table'],
  [/\bslaves?\b|\bslave[A-Z]\w*|\w*[a-z]Slave\w*/g, 'replica'],
  [/\bmasters?\b|\bmaster[A-Z]\w*|\w*[a-z]Master\w*/g, 'primary'],
  [/(?<![-\w])(pivot|iteration|shared|chosen)[ -]?key\b/gi, 'migration key'],
  [/\bsentinel\w*/gi, 'sentry table'],
  [/\bswitch-?over\w*/gi, 'cut-over'],
  [/\bhigh[ -]water[ -]mark|\blow[ -]water[ -]mark/gi, 'high or low watermark'],
  [/\bback-?fill\w*/gi, 'copy'],
  [/\b(journal|delta) table/gi, 'changelog'],
  [/\b(white|black)-?list\w*/gi, 'allow or deny list'],
  [/\b(replica|replication) delay\b/gi, 'replication lag'],
];

/** Spellings of gh-ost and of the servers, which are what they are. */
const allowed = new RegExp(
  [
    '-{0,2}(allow-on-master|allow-master-master|assume-master-host|master-(user|password))',
    'allowOnMaster|allowMasterMaster|assumeMasterHost|master(User|Password)',
    '\\w+_(master|slave)\\w*|\\w*(master|slave)_\\w+',
  ].join('|'),
  'g',
);

/** The layer of a file below src; undefined where there is none. */
export function layerOf(path: string): string | undefined {
  const name = /^src\/([\w-]+)(\.ts|\/)/.exec(path)?.[1];
  return name !== undefined && layers.includes(name) ? name : undefined;
}

interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Path from the repository's root of an import of ours. */
  readonly file: string | undefined;
}

/** What a file imports, types included. */
export function importsOf({ path, uncommented, code }: Source): Import[] {
  const pattern = /\b(?:from|import)\s*\(?\s*'([^']+)'/g;
  const real = [...uncommented.matchAll(pattern)].filter(({ index }) =>
    code.startsWith(uncommented.slice(index, index + 4), index),
  );
  return real.map(({ 1: specifier = '', index }) => ({
    specifier,
    line: lineAt(uncommented, index),
    file: specifier.startsWith('.') ? posix.normalize(posix.join(dirname(path), specifier)) : undefined,
  }));
}

/** Imports that run against the layers. */
export function layerViolations(source: Source): Violation[] {
  const layer = layerOf(source.path);
  if (layer === undefined) return [`${source.path}:1: belongs to no layer (${layers.join(' <- ')})`];
  const violations: Violation[] = [];
  for (const { specifier, line, file } of importsOf(source)) {
    const where = `${source.path}:${line}:`;
    for (const [pattern, owners] of owned)
      if (pattern.test(specifier) && !owners.includes(layer))
        violations.push(`${where} ${specifier} is for ${owners.join(', ') || 'nobody: use the clock'} only`);
    if (file === undefined) continue;
    const other = layerOf(file);
    if (!specifier.endsWith('.ts')) violations.push(`${where} '${specifier}' does not end in .ts`);
    if (other === undefined) violations.push(`${where} '${specifier}' leads out of the layers`);
    else if (layers.indexOf(other) > layers.indexOf(layer))
      violations.push(`${where} ${layer} must not import ${other} ('${specifier}')`);
    else if (layer === 'stages' && other === 'stages' && stageOf(file) !== stageOf(source.path))
      violations.push(`${where} stages do not import each other ('${specifier}')`);
  }
  return violations;
}

function stageOf(path: string): string {
  return path.replace(/^src\/stages\//, '').replace(/(\/.*|\.ts)$/, '');
}

/** Files, functions and lines that are too long. */
export function sizeViolations(source: Source): Violation[] {
  const { path, text } = source;
  const lines = text.split('\n');
  const violations: Violation[] = [];
  const linesMax = path.startsWith('test/') ? limits.testFileLines : limits.fileLines;
  if (lines.length - 1 > linesMax)
    violations.push(`${path}:1: ${lines.length - 1} lines in a file, at most ${linesMax}`);
  for (const [index, line] of lines.entries())
    if ([...line].length > limits.columns)
      violations.push(`${path}:${index + 1}: ${[...line].length} columns, at most ${limits.columns}`);
  if (path.startsWith('src/'))
    for (const { name, line, lines: length } of functionsOf(source))
      if (length > limits.functionLines)
        violations.push(`${path}:${line}: ${length} lines in ${name}, at most ${limits.functionLines}`);
  return violations;
}

/** Use of the machine's clock where the injected one belongs. */
export function clockViolations({ path, code }: Source): Violation[] {
  if (clockFiles.has(path)) return [];
  return [...code.matchAll(clockCalls)].map(
    ({ 0: call, index }) =>
      `${path}:${lineAt(code, index)}: ${call.trim()}: time comes from the injected clock`,
  );
}

/** Words that we have another word for, and notes to ourselves. */
export function wordViolations({ path, code, comments }: Source): Violation[] {
  const violations: Violation[] = [];
  for (const text of [code, comments]) {
    const plain = text.replace(allowed, (match) => ' '.repeat(match.length));
    for (const [pattern, word] of banned)
      for (const { 0: match, index } of plain.matchAll(pattern))
        violations.push(`${path}:${lineAt(plain, index)}: "${match}": our word is ${word}`);
  }
  for (const { 0: match, index } of comments.matchAll(/\b(TODO|FIXME|XXX|HACK)\b/g))
    violations.push(`${path}:${lineAt(comments, index)}: ${match}: do it, or file an issue`);
  return violations;
}

const kinds = 'function\\*?|class|interface|const|let|enum|type';
const exported = new RegExp(`^export (?:default )?(?:abstract |async |declare )*(${kinds}) ([\\w$]+)`);

/** Exports without a docstring just before them. A type that fits in one line may go without. */
export function docstringViolations({ path, text }: Source): Violation[] {
  const violations: Violation[] = [];
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const [, kind, name] = exported.exec(line) ?? [];
    if (name === undefined || (kind === 'type' && line.endsWith(';'))) continue;
    const before = lines[index - 1] ?? '';
    const isOverload = exported.exec(before)?.[2] === name;
    if (!before.trimEnd().endsWith('*/') && !isOverload)
      violations.push(`${path}:${index + 1}: ${kind} ${name} is exported without a docstring`);
  }
  return violations;
}

/** Files that nothing imports. */
export function orphanViolations(sources: readonly Source[], entries: readonly string[]): Violation[] {
  const imported = new Set(sources.flatMap((source) => importsOf(source).map(({ file }) => file)));
  return sources
    .filter(({ path }) => !imported.has(path) && !entries.includes(path))
    .map(({ path }) => `${path}:1: nothing imports this file`);
}
