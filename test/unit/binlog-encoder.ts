// Writes binlog events as a server does, for tests and the benchmark. Independent of the code that reads them.
import { crc32 } from './binlog-crc32.ts';

/** A column: its type code in the event, its metadata bytes. */
export interface EncodedColumn {
  readonly type: number;
  readonly meta: readonly number[];
}

export interface EventOptions {
  readonly endOffset?: number;
  readonly flags?: number;
  /** Default true. */
  readonly checksum?: boolean;
  readonly serverId?: number;
}

export function event(type: number, body: Buffer, options: EventOptions = {}): Buffer {
  const { endOffset = 0, flags = 0, checksum = true, serverId = 1 } = options;
  const size = 19 + body.length + (checksum ? 4 : 0);
  const bytes = Buffer.alloc(size);
  bytes[4] = type;
  bytes.writeUInt32LE(serverId, 5);
  bytes.writeUInt32LE(size, 9);
  bytes.writeUInt32LE(endOffset, 13);
  bytes.writeUInt16LE(flags, 17);
  body.copy(bytes, 19);
  if (checksum) bytes.writeUInt32LE(crc32(bytes.subarray(0, size - 4)), size - 4);
  return bytes;
}

/** FORMAT_DESCRIPTION. It has room for a checksum even when it says that there are none. */
export function format(algorithm: 0 | 1): Buffer {
  const body = Buffer.alloc(2 + 50 + 4 + 1 + 41 + 1);
  body.writeUInt16LE(4, 0);
  body[56] = 19;
  body[body.length - 1] = algorithm;
  return event(15, body);
}

export function lenenc(value: number): Buffer {
  if (value < 251) return Buffer.of(value);
  return Buffer.of(252, value & 0xff, value >> 8);
}

function tableIdBytes(id: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntLE(id, 0, 6);
  return bytes;
}

export function tableMap(
  id: number,
  schema: string,
  table: string,
  columns: readonly EncodedColumn[],
  options: EventOptions = {},
): Buffer {
  const name = (text: string): Buffer =>
    Buffer.concat([Buffer.of(Buffer.byteLength(text)), Buffer.from(text), Buffer.of(0)]);
  const meta = Buffer.from(columns.flatMap((column) => [...column.meta]));
  const body = [
    ...[tableIdBytes(id), Buffer.of(1, 0), name(schema), name(table), lenenc(columns.length)],
    ...[Buffer.from(columns.map((column) => column.type)), lenenc(meta.length), meta],
    Buffer.alloc((columns.length + 7) >> 3),
  ];
  return event(19, Buffer.concat(body), options);
}

/** A row image: by column the bytes as they lie in the row (prefix included), null for NULL, undefined for absent. */
export type EncodedImage = readonly (Buffer | null | undefined)[];

/** ROWS event. @param images rows of WRITE or DELETE; before and after images by turns of UPDATE. */
export function rows(
  type: number,
  id: number,
  columnCount: number,
  images: readonly EncodedImage[],
  options: EventOptions = {},
): Buffer {
  const isUpdate = type === 31 || type === 24;
  const body = [tableIdBytes(id), Buffer.of(1, 0)];
  if (type >= 30) body.push(Buffer.of(2, 0));
  body.push(lenenc(columnCount));
  const bitmap = (image: EncodedImage | undefined): Buffer =>
    bits(Array.from({ length: columnCount }, (_, i) => image?.[i] !== undefined));
  body.push(bitmap(images[0]));
  if (isUpdate) body.push(bitmap(images[1]));
  for (const image of images) body.push(...encodeImage(image));
  return event(type, Buffer.concat(body), options);
}

function encodeImage(image: EncodedImage): Buffer[] {
  const present = image.filter((value) => value !== undefined);
  const nulls = bits(present.map((value) => value === null));
  // The server sets the bits that mean nothing.
  if (present.length % 8 > 0) nulls[nulls.length - 1]! |= 0xff << (present.length % 8);
  return [nulls, ...present.filter((value) => value !== null)];
}

function bits(flags: readonly boolean[]): Buffer {
  const bytes = Buffer.alloc((flags.length + 7) >> 3);
  flags.forEach((flag, i) => {
    if (flag) bytes[i >> 3]! |= 1 << (i & 7);
  });
  return bytes;
}

export interface QueryOptions extends EventOptions {
  readonly schema?: string;
  readonly sqlMode?: number;
  readonly collation?: number;
}

export function query(sql: string | Buffer, options: QueryOptions = {}): Buffer {
  const { schema = 't', sqlMode, collation } = options;
  const status: Buffer[] = [Buffer.of(0, 0, 0, 0, 0)];
  if (sqlMode !== undefined) {
    const mode = Buffer.alloc(9);
    mode[0] = 1;
    mode.writeUInt32LE(sqlMode, 1);
    status.push(mode, Buffer.concat([Buffer.of(6, 3), Buffer.from('std')]));
  }
  if (collation !== undefined) status.push(Buffer.of(4, collation & 0xff, collation >> 8, 45, 0, 45, 0));
  const vars = Buffer.concat(status);
  const head = Buffer.alloc(13);
  head.writeUInt32LE(77, 0);
  head[8] = Buffer.byteLength(schema);
  head.writeUInt16LE(vars.length, 11);
  const body = [head, vars, Buffer.from(schema), Buffer.of(0), Buffer.from(sql as string)];
  return event(2, Buffer.concat(body), options);
}

export function xid(options: EventOptions = {}): Buffer {
  return event(16, Buffer.alloc(8), options);
}

/** MySQL's GTID event. @param uuid 32 hex digits. */
export function gtid(uuid: string, number: number, options: EventOptions = {}): Buffer {
  const body = Buffer.alloc(42);
  body.write(uuid.replaceAll('-', ''), 1, 'hex');
  body.writeBigUInt64LE(BigInt(number), 17);
  return event(33, body, options);
}

export function rotate(file: string, offset: number, options: EventOptions = {}): Buffer {
  const body = Buffer.alloc(8);
  body.writeBigUInt64LE(BigInt(offset));
  return event(4, Buffer.concat([body, Buffer.from(file)]), options);
}

export const INT: EncodedColumn = { type: 3, meta: [] };
export const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
