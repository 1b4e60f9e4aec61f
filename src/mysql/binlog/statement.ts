import type { TableRef } from '../../core/table-ref.ts';
import { type ClientText, clientText } from './client-text.ts';
import type { QueryEvent } from './query-event.ts';
import { type SqlToken, sqlTokens } from './sql-tokens.ts';

/** What a statement of the binlog means to us. */
export type StatementMeaning = 'ddl' | 'statement' | null;

/** Which tables matter, and how their names compare. */
export interface StatementScope {
  /** DDL of these is told. */
  readonly watched: readonly TableRef[];
  /** Data changes of these are told. */
  readonly followed: readonly TableRef[];
  readonly foldCase: boolean;
}

/** Statements longer than this are read to here only: their head decides, or the mere occurrence of a name. */
const MAX_TEXT_BYTES = 1 << 20;
/** The word that tells what CREATE, ALTER or DROP is about comes within so many tokens. */
const MAX_HEAD_TOKENS = 64;

const DATA_VERBS = new Set([
  ...['INSERT', 'REPLACE', 'UPDATE', 'DELETE', 'LOAD', 'MERGE', 'WITH'],
  ...['CALL', 'DO', 'SELECT', 'VALUES', 'TABLE', 'HANDLER'],
]);

/** Verbs that change neither rows nor shape of a table. */
const HARMLESS_VERBS = new Set([
  ...['ANALYZE', 'OPTIMIZE', 'CHECK', 'CHECKSUM', 'REPAIR', 'FLUSH', 'GRANT', 'REVOKE', 'SET', 'USE'],
  ...['INSTALL', 'UNINSTALL', 'KILL', 'RESET', 'LOCK', 'UNLOCK', 'CACHE', 'SHOW', 'BINLOG'],
]);

/** What CREATE, ALTER and DROP can be about. */
const OBJECTS = new Set([
  ...['TABLE', 'TABLES', 'INDEX', 'KEY', 'TRIGGER', 'DATABASE', 'SCHEMA', 'VIEW', 'PROCEDURE', 'FUNCTION'],
  ...['EVENT', 'USER', 'ROLE', 'SERVER', 'TABLESPACE', 'LOGFILE', 'SEQUENCE', 'PACKAGE', 'RESOURCE'],
  ...['REFERENCE', 'LIBRARY', 'INSTANCE', 'CATALOG'],
]);

/**
 * What a statement of the binlog means to us. Reads a bounded part of it. Where it cannot be decided, a mere occurrence
 * of a name counts: a false alarm costs a migration, silence could cost rows.
 *
 * Not seen: changes that a statement-format statement makes to a followed table by way of a trigger, a foreign key or a
 * routine without naming it.
 */
export function statementMeaning(query: QueryEvent, scope: StatementScope): StatementMeaning {
  const text = clientText(query, MAX_TEXT_BYTES);
  const statement = new Statement(text, query.schema, scope);
  return statement.meaning();
}

/** One statement being read. */
class Statement {
  readonly #text: ClientText;
  readonly #schema: string;
  readonly #scope: StatementScope;
  #tokens: readonly SqlToken[] | null = null;

  constructor(text: ClientText, schema: string, scope: StatementScope) {
    this.#text = text;
    this.#schema = schema;
    this.#scope = scope;
  }

  meaning(): StatementMeaning {
    const { watched, followed } = this.#scope;
    const [verb, second] = this.#head();
    if (verb === 'DROP' && (second === 'DATABASE' || second === 'SCHEMA')) return this.#dropsSchema();
    const isData = DATA_VERBS.has(verb);
    // A SELECT is in the binlog only because a function that it called has changed something.
    if (verb === 'SELECT' && followed.length > 0) return 'statement';
    if (HARMLESS_VERBS.has(verb)) return null;
    const candidates = (isData ? followed : watched).filter((table) => this.#text.mentions(table.name));
    if (candidates.length === 0) return null;
    const meaning = isData ? 'statement' : 'ddl';
    if (!this.#text.readable) return meaning;
    if (this.#text.cut && candidates.some((table) => this.#text.mentionsBehindCut(table.name)))
      return meaning;
    const tokens = this.#all();
    const named = candidates.filter((table) => this.#names(tokens, table));
    if (named.length === 0) return null;
    return isData || this.#changesShape(verb, tokens, named) ? meaning : null;
  }

  /** The first two words, upper case. */
  #head(): [string, string] {
    const words: string[] = [];
    for (const token of sqlTokens(this.#text.sql.slice(0, 4096), this.#text.mode)) {
      if (token.kind === 'word') words.push(token.text.toUpperCase());
      else if (token.text !== '(') break;
      if (words.length === 2) break;
    }
    return [words[0] ?? '', words[1] ?? ''];
  }

  #all(): readonly SqlToken[] {
    this.#tokens ??= [...sqlTokens(this.#text.sql, this.#text.mode)];
    return this.#tokens;
  }

  #dropsSchema(): StatementMeaning {
    const { watched } = this.#scope;
    if (!this.#text.readable) return watched.length > 0 ? 'ddl' : null;
    const tokens = this.#all();
    const isOurs = watched.some(({ schema }) => tokens.some((token) => this.#is(token, schema)));
    return isOurs ? 'ddl' : null;
  }

  /** Whether DDL that names `tables` somewhere is about one of them. */
  #changesShape(verb: string, tokens: readonly SqlToken[], tables: readonly TableRef[]): boolean {
    if (verb !== 'CREATE' && verb !== 'ALTER' && verb !== 'DROP') return true;
    const head = tokens.slice(0, MAX_HEAD_TOKENS);
    const at = head.findIndex((token) => token.kind === 'word' && OBJECTS.has(token.text.toUpperCase()));
    if (at < 0) return true;
    const isTemporary = head.slice(0, at).some((token) => isWord(token, 'TEMPORARY'));
    const named = (index: number): boolean => tables.some((table) => this.#namesAt(tokens, index, table));
    const after = (word: string): boolean =>
      tokens.some((token, i) => isWord(token, word) && named(skipWords(tokens, i + 1)));
    switch (head[at]!.text.toUpperCase()) {
      case 'TABLE':
      case 'TABLES':
        if (isTemporary) return false;
        if (verb === 'DROP') return true;
        return after('TABLE') || after('REFERENCES') || (verb === 'ALTER' && after('RENAME'));
      case 'INDEX':
      case 'KEY':
      case 'TRIGGER':
        return after('ON');
      default:
        return false;
    }
  }

  #names(tokens: readonly SqlToken[], table: TableRef): boolean {
    return tokens.some((_, i) => this.#namesFrom(tokens, i, table));
  }

  /** Whether the name at `index`, qualified or not, is the table's. */
  #namesAt(tokens: readonly SqlToken[], index: number, table: TableRef): boolean {
    const isQualified = tokens[index + 1]?.kind === 'dot';
    // `.t` is a table of the default schema.
    const at = tokens[index]?.kind === 'dot' ? index + 1 : isQualified ? index + 2 : index;
    return this.#namesFrom(tokens, at, table);
  }

  /** Whether token `i` is the table's name, and what stands before it is its schema. */
  #namesFrom(tokens: readonly SqlToken[], i: number, table: TableRef): boolean {
    if (!this.#is(tokens[i], table.name)) return false;
    const qualifier = tokens[i - 1]?.kind === 'dot' ? tokens[i - 2] : undefined;
    if (qualifier !== undefined && (qualifier.kind === 'word' || qualifier.kind === 'quoted')) {
      return this.#is(qualifier, table.schema);
    }
    return this.#same(this.#schema, table.schema);
  }

  #is(token: SqlToken | undefined, name: string): boolean {
    if (token === undefined || (token.kind !== 'word' && token.kind !== 'quoted')) return false;
    return this.#same(token.text, name);
  }

  #same(a: string, b: string): boolean {
    return a === b || (this.#scope.foldCase && a.toLowerCase() === b.toLowerCase());
  }
}

function isWord(token: SqlToken | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text.toUpperCase() === word;
}

/** Words that may stand between TABLE, RENAME, ON or REFERENCES and the name. */
const BETWEEN = new Set(['IF', 'NOT', 'EXISTS', 'TO', 'AS', 'WAIT', 'NOWAIT']);

function skipWords(tokens: readonly SqlToken[], from: number): number {
  let i = from;
  while (tokens[i]?.kind === 'word' && BETWEEN.has(tokens[i]!.text.toUpperCase())) i++;
  return i;
}
