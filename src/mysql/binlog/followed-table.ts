import type { ChangelogRow, Subscription } from '../../core/stream.ts';
import { sameBytes, uint64 } from './bytes.ts';
import { compileRowPlan, type RowPlan } from './row-plan.ts';
import { ABSENT, type ImagePlaces, makePlaces, type RowVisitor } from './row-walker.ts';
import type { TableMap } from './table-map.ts';
import type { TouchTarget } from './touch-target.ts';

/** What a followed table needs of its surroundings. */
export interface FollowedTableContext {
  /** Where touches go at this moment. */
  readonly target: () => TouchTarget;
  /** A row came whose image does not have the key. */
  readonly onKeyAbsent: () => void;
  /** The table has a row more or less. */
  readonly grown: (by: 1 | -1) => void;
}

/** The rows of a subscribed table, under one table id: makes touches of keys out of images. */
export class FollowedTable implements RowVisitor {
  readonly plan: RowPlan;
  readonly before: ImagePlaces;
  readonly after: ImagePlaces;
  readonly #subscription: Subscription;
  readonly #context: FollowedTableContext;

  constructor(map: TableMap, subscription: Subscription, context: FollowedTableContext) {
    this.plan = compileRowPlan(
      map.columns,
      subscription.codec.columns.map((column) => column.ordinal),
      (ordinal) => subscription.definition.columns[ordinal]?.fractionDigits ?? 0,
    );
    this.before = makePlaces(map.columns.length);
    this.after = makePlaces(map.columns.length);
    this.#subscription = subscription;
    this.#context = context;
  }

  written(bytes: Buffer): void {
    this.#context.grown(1);
    this.#touch(bytes, this.after, false);
  }

  deleted(bytes: Buffer): void {
    this.#context.grown(-1);
    this.#touch(bytes, this.before, true);
  }

  updated(bytes: Buffer): void {
    if (this.#keepsKey(bytes)) {
      this.#touch(bytes, this.before, false);
      return;
    }
    const { codec, role } = this.#subscription;
    const { target, onKeyAbsent } = this.#context;
    const old = codec.fromImage(bytes, this.before.starts, this.before.ends);
    const now = codec.fromImage(bytes, this.after.starts, this.after.ends);
    if (old === null || now === null) onKeyAbsent();
    if (old !== null && old !== now) target().touched(role, old, true);
    if (now !== null) target().touched(role, now, false);
  }

  #touch(bytes: Buffer, places: ImagePlaces, deleted: boolean): void {
    const key = this.#subscription.codec.fromImage(bytes, places.starts, places.ends);
    if (key === null) this.#context.onKeyAbsent();
    else this.#context.target().touched(this.#subscription.role, key, deleted);
  }

  /**
   * Whether the key's bytes are the same in both images. Parts that the after image does not have (MINIMAL) are as they
   * were: their places are filled in from the before image.
   */
  #keepsKey(bytes: Buffer): boolean {
    const { before, after } = this;
    const { wanted } = this.plan;
    let same = true;
    for (let i = 0; i < wanted.length; i++) {
      const at = wanted[i]!;
      const start = before.starts[at]!;
      const end = before.ends[at]!;
      if (after.starts[at] === ABSENT) {
        after.starts[at] = start;
        after.ends[at] = end;
      } else if (start < 0 || after.starts[at]! < 0) {
        same = false;
      } else if (same) {
        const length = end - start;
        same =
          length === after.ends[at]! - after.starts[at]! &&
          sameBytes(bytes, start, bytes, after.starts[at]!, length);
      }
    }
    return same;
  }
}

/** Ordinals of the changelog's columns: id, (hint), sequence, written_at_ms. */
const ID = 0;
const SEQUENCE = 2;
const WRITTEN_AT = 3;

/** The rows of the changelog, under one table id. */
export class FollowedChangelog implements RowVisitor {
  readonly plan: RowPlan;
  readonly before: ImagePlaces;
  readonly after: ImagePlaces;
  readonly #marked: (row: ChangelogRow) => void;

  constructor(map: TableMap, marked: (row: ChangelogRow) => void) {
    this.plan = compileRowPlan(map.columns, [ID, SEQUENCE, WRITTEN_AT]);
    this.before = makePlaces(map.columns.length);
    this.after = makePlaces(map.columns.length);
    this.#marked = marked;
  }

  written(bytes: Buffer): void {
    this.#mark(bytes);
  }

  updated(bytes: Buffer): void {
    // Under row_image=MINIMAL the after image has what changed; the rest is as it was.
    for (const at of [ID, SEQUENCE, WRITTEN_AT]) {
      if (this.after.starts[at] === ABSENT) {
        this.after.starts[at] = this.before.starts[at]!;
        this.after.ends[at] = this.before.ends[at]!;
      }
    }
    this.#mark(bytes);
  }

  deleted(): void {
    // Nobody waits for the end of a mark.
  }

  #mark(bytes: Buffer): void {
    const { starts } = this.after;
    // A row without a sequence is not a mark (the notes that other programs may leave there).
    if (starts[ID]! < 0 || starts[SEQUENCE]! < 0) return;
    this.#marked({
      id: uint64(bytes, starts[ID]!),
      sequence: uint64(bytes, starts[SEQUENCE]!),
      writtenAtMs: starts[WRITTEN_AT]! < 0 ? 0 : uint64(bytes, starts[WRITTEN_AT]!),
    });
  }
}
