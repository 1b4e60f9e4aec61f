import { foldName } from './alter/identifier.ts';

/** A column as SHOW FULL COLUMNS prints it. */
export interface ShownColumn {
  readonly name: string;
  /** `varchar(50)`, `enum('a','b')`. */
  readonly type: string;
  readonly collation: string | null;
  readonly nullable: boolean;
  /** `auto_increment`, `VIRTUAL GENERATED`, `on update CURRENT_TIMESTAMP` ... */
  readonly extra: string;
}

/** Where the length of a VARCHAR begins to take two bytes of each row, bytes. */
const oneByteLengthMax = 255;
/** Where the number of an ENUM's member begins to take two bytes of each row. */
const oneByteEnumMax = 255;

/**
 * Whether columns stay in the rows what they are: default, comment and name may differ; a VARCHAR may grow while its length
 * takes as many bytes as before; ENUM and SET may get members at the end while their numbers take as many bytes as before.
 * @param renames old name to new.
 * @param bytesPerChar of each column with characters, by its old name: the most that one takes.
 * @returns the first column that does not, in words; null when all do.
 */
export function rewrittenColumn(
  before: readonly ShownColumn[],
  after: readonly ShownColumn[],
  renames: ReadonlyMap<string, string>,
  bytesPerChar: ReadonlyMap<string, number>,
): string | null {
  if (before.length !== after.length) return 'the number of columns changes';
  const renamed = new Map([...renames].map(([from, to]) => [foldName(from), foldName(to)]));
  for (const [i, old] of before.entries()) {
    const now = after[i]!;
    const name = foldName(old.name);
    if (foldName(now.name) !== (renamed.get(name) ?? name)) return `column '${now.name}' moves`;
    if (now.nullable !== old.nullable) return `column '${old.name}' becomes NULL or NOT NULL`;
    if (now.collation !== old.collation)
      return `column '${old.name}' gets another character set or collation`;
    if (lasting(now.extra) !== lasting(old.extra)) return `column '${old.name}' gets other attributes`;
    if (/generated/i.test(old.extra) && now.type !== old.type) return `column '${old.name}' is generated`;
    if (!staysInRows(old.type, now.type, bytesPerChar.get(old.name) ?? 1))
      return `column '${old.name}' changes from ${old.type} to ${now.type}`;
  }
  return null;
}

/** That a default is an expression says nothing about the rows. */
function lasting(extra: string): string {
  return extra
    .replace(/\bDEFAULT_GENERATED\b/i, '')
    .trim()
    .toLowerCase();
}

function staysInRows(before: string, after: string, bytesPerChar: number): boolean {
  if (before === after) return true;
  const [was, is] = [
    /^(var(?:char|binary))\((\d+)\)$/i.exec(before),
    /^(var(?:char|binary))\((\d+)\)$/i.exec(after),
  ];
  if (was && is && was[1] === is[1]) {
    const [from, to] = [Number(was[2]) * bytesPerChar, Number(is[2]) * bytesPerChar];
    return to >= from && to <= oneByteLengthMax === from <= oneByteLengthMax;
  }
  const list = /^(enum|set)\((.*)\)$/is;
  const [members, more] = [list.exec(before), list.exec(after)];
  if (!members || !more || members[1] !== more[1]) return false;
  if (!more[2]!.startsWith(`${members[2]},`)) return false;
  const bytes = members[1]!.toLowerCase() === 'enum' ? enumBytes : setBytes;
  return bytes(count(members[2]!)) === bytes(count(more[2]!));
}

function count(list: string): number {
  return (list.match(/'(?:[^']|'')*'/g) ?? []).length;
}

function enumBytes(members: number): number {
  return members <= oneByteEnumMax ? 1 : 2;
}

function setBytes(members: number): number {
  const bytes = Math.ceil(members / 8);
  return bytes > 4 ? 8 : bytes;
}
