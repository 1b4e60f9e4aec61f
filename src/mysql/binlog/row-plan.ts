import { ColumnType, columnShape, type MappedColumn } from './column-shape.ts';

/**
 * How to walk the row images of one table: compiled once per TABLE_MAP.
 *
 * `fixed` and `prefix` describe every column (see ColumnShape). `steps` is the short way through an image in which all
 * columns are present and none is NULL: runs of columns of fixed size are one addition, and only columns that have a
 * length, or are wanted, are a step of their own.
 */
export interface RowPlan {
  readonly columnCount: number;
  readonly fixed: Int32Array;
  readonly prefix: Uint8Array;
  readonly jsonCount: number;
  /** Ordinals of the columns whose places are asked for, ascending. */
  readonly wanted: Int32Array;
  readonly steps: RowSteps;
}

/** Parallel arrays; step i: skip `skip[i]` bytes, then a value as in ColumnShape; its place goes to `ordinal[i]` unless -1. */
export interface RowSteps {
  readonly count: number;
  readonly skip: Int32Array;
  readonly fixed: Int32Array;
  readonly prefix: Uint8Array;
  readonly ordinal: Int32Array;
  /** Bytes of fixed size behind the last step. */
  readonly tail: number;
}

/**
 * Compiles the plan of a table.
 * @param wanted ordinals of the columns whose places the walker shall tell.
 * @param fractionDigits by ordinal, from the definition (see columnShape); 0 where unknown.
 * @throws Failure for a column type that is not known.
 */
export function compileRowPlan(
  columns: readonly MappedColumn[],
  wanted: readonly number[],
  fractionDigits: (ordinal: number) => number = () => 0,
): RowPlan {
  const shapes = columns.map((column, ordinal) => columnShape(column, fractionDigits(ordinal)));
  const wantedSet = new Set(wanted);
  const skip: number[] = [];
  const fixed: number[] = [];
  const prefix: number[] = [];
  const ordinals: number[] = [];
  let run = 0;
  shapes.forEach((shape, ordinal) => {
    const isWanted = wantedSet.has(ordinal);
    if (shape.prefix === 0 && !isWanted) {
      run += shape.fixed;
      return;
    }
    skip.push(run);
    fixed.push(shape.fixed);
    prefix.push(shape.prefix);
    ordinals.push(isWanted ? ordinal : -1);
    run = 0;
  });
  return {
    columnCount: columns.length,
    fixed: Int32Array.from(shapes, (shape) => shape.fixed),
    prefix: Uint8Array.from(shapes, (shape) => shape.prefix),
    jsonCount: columns.filter(({ type }) => type === ColumnType.Json).length,
    wanted: Int32Array.from([...wantedSet].sort((a, b) => a - b)),
    steps: {
      count: skip.length,
      skip: Int32Array.from(skip),
      fixed: Int32Array.from(fixed),
      prefix: Uint8Array.from(prefix),
      ordinal: Int32Array.from(ordinals),
      tail: run,
    },
  };
}
