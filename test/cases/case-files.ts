// A case folder below fixtures/cases, one fact a file:
//
//   create.sql      table `t`, its rows, and an event that keeps changing it; DELIMITER works as in the mysql client
//   alter           what to do to it: the text of --alter
//   extra_args      more options, as a shell would split them
//   expect_failure  the run must fail, and say this; an empty file: must fail
//   order_by        by which columns to compare; without it, all that are compared
//   columns         what to compare; a second line where the new table needs other expressions for it
//   flavor          mysql or mariadb, where only one of them can do it
//   destroy.sql     undoes what create.sql did outside of the case's schema
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Flavor } from '../lab/lab.ts';

const folder = fileURLToPath(new URL('../../fixtures/cases', import.meta.url));
const known = new Set(
  'create.sql alter extra_args expect_failure order_by columns flavor destroy.sql'.split(' '),
);

/** A case as its folder tells it. */
export interface CaseSpec {
  readonly name: string;
  readonly create: readonly string[];
  readonly destroy: readonly string[];
  readonly alter: string;
  readonly extraArgs: readonly string[];
  /** What the failure says; null where the run succeeds. */
  readonly expectFailure: string | null;
  readonly orderBy: string | null;
  /** What to select from the original and from the new table; null is every column. */
  readonly columns: { readonly original: string; readonly ghost: string } | null;
  readonly flavor: Flavor | null;
}

/** All cases, by name. @throws an Error where a folder holds a file that means nothing, or lacks one. */
export function readCases(): readonly CaseSpec[] {
  return readdirSync(folder).sort().map(readCase);
}

function readCase(name: string): CaseSpec {
  const path = join(folder, name);
  for (const file of readdirSync(path))
    if (!known.has(file)) throw new Error(`${path}: ${file} means nothing to a case`);
  const text = (file: string): string | null =>
    existsSync(join(path, file)) ? readFileSync(join(path, file), 'utf8').trim() : null;
  const create = text('create.sql');
  const alter = text('alter');
  if (create === null || alter === null) throw new Error(`${path}: create.sql or alter is missing`);
  const [original, ghost] = (text('columns') ?? '').split('\n');
  return {
    name,
    create: splitScript(create),
    destroy: splitScript(text('destroy.sql') ?? ''),
    alter,
    extraArgs: splitWords(text('extra_args') ?? ''),
    expectFailure: text('expect_failure'),
    orderBy: text('order_by'),
    columns: original ? { original, ghost: ghost ?? original } : null,
    flavor: text('flavor') as Flavor | null,
  };
}

/** The statements of a script. A statement ends with its line: what it has behind the delimiter is not looked for. */
export function splitScript(script: string): readonly string[] {
  const statements: string[] = [];
  let [delimiter, rest] = [';', ''];
  for (const line of script.split('\n')) {
    const changed = /^\s*delimiter\s+(\S+)\s*$/i.exec(line);
    if (changed) delimiter = changed[1]!;
    else if (/^\s*(--\s.*)?$/.test(line) && rest === '') continue;
    else if (line.trimEnd().endsWith(delimiter)) {
      statements.push(rest + line.trimEnd().slice(0, -delimiter.length));
      rest = '';
    } else rest += `${line}\n`;
  }
  if (rest.trim() !== '') throw new Error(`a statement has no end: ${rest}`);
  return statements;
}

/** The words of a command line; quotes keep blanks together. */
export function splitWords(line: string): readonly string[] {
  const words = line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return words.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}
