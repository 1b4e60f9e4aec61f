import type { Column } from './table.ts';

/** The kinds of types that are compared in one way. */
export type Kind =
  | 'integer'
  | 'decimal'
  | 'float'
  | 'double'
  | 'bit'
  | 'year'
  | 'text'
  | 'binary'
  | 'enum'
  | 'set'
  | 'temporal'
  | 'json'
  | 'bytes'
  | 'words';

const kinds: { readonly [type: string]: Kind } = {
  ...of('integer', 'tinyint smallint mediumint int bigint'),
  ...of('decimal', 'decimal numeric'),
  ...of('float', 'float'),
  ...of('double', 'double real'),
  ...of('bit', 'bit'),
  ...of('year', 'year'),
  ...of('text', 'char varchar tinytext text mediumtext longtext'),
  ...of('binary', 'binary varbinary tinyblob blob mediumblob longblob'),
  ...of('enum', 'enum'),
  ...of('set', 'set'),
  ...of('temporal', 'date time datetime timestamp'),
  ...of('json', 'json'),
  ...of('bytes', 'geometry point linestring polygon multipoint multilinestring multipolygon'),
  ...of('bytes', 'geomcollection geometrycollection vector'),
  ...of('words', 'uuid inet4 inet6'),
};

/** @returns undefined for a type that is not known. */
export function kindOf(column: Column): Kind | undefined {
  return kinds[column.dataType];
}

/** TIMESTAMP that stays one, with all its digits. */
export function isInstant(from: Column, to: Column): boolean {
  const timestamps = from.dataType === 'timestamp' && to.dataType === 'timestamp';
  return timestamps && (from.fractionDigits ?? 0) === (to.fractionDigits ?? 0);
}

/** Declared alike. */
export function sameType(from: Column, to: Column): boolean {
  return from.columnType === to.columnType;
}

function of(kind: Kind, types: string): { [type: string]: Kind } {
  return Object.fromEntries(types.split(' ').map((type) => [type, kind]));
}
