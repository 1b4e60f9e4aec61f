import { Ambiguous, invariant, messageOf } from '../base/errors.ts';
import type { Key, KeyCodec } from '../core/key.ts';
import { quoteTable } from '../core/quote.ts';
import { DuplicateKey } from '../core/store.ts';
import type { TableRef } from '../core/table-ref.ts';
import type { LateRows } from '../mysql/late-rows.ts';
import type { MigrationLog } from './config.ts';
import type { DataPath } from './data-path.ts';
import type { Survey } from './inspect.ts';
import type { Intake } from './intake.ts';

/** The part of the data path that goes on after the swap. */
export interface LatePath extends Pick<DataPath, 'heartbeat' | 'changes' | 'retry' | 'followsNewTable'> {
  readonly intake: Pick<Intake, 'swapSeen' | 'touchedSince' | 'unbind'>;
  readonly lateRows: Pick<LateRows, 'carry'>;
}

/** How keys are told, whether they can be told apart, and what the new table has of its own. */
export interface LatePlan {
  readonly codec: Pick<KeyCodec, 'comparable' | 'columns' | 'literals'>;
  readonly triggers: { readonly made: readonly unknown[] };
}

/** How long the stream may take to reach the RENAME and a mark after it, ms. */
const passTimeoutMs = 600_000;
/** Late writes that are carried over in one transaction. Their rows are locked for as long as a mark travels. */
const batchKeys = 50;

/**
 * I7, after the swap: the stream is read past the RENAME itself. Changes of the original that came between drain mark and
 * RENAME - there should be none - are carried over from the old table into the new one, except where the new row was changed
 * since, or another row of the new table is in the way. Each is told with its key.
 * @returns the keys that were not carried over, in words: a person must look at them.
 * @throws Ambiguous when the RENAME cannot be found in the stream: then nothing can be told.
 */
export async function settleLateWrites(
  path: LatePath,
  plan: LatePlan,
  log: Pick<MigrationLog, 'warn' | 'info'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { heartbeat, changes, intake } = path;
  // Were the set full of late writes, the stream would rest before it comes to the RENAME.
  intake.unbind();
  await waitForSwap(path, signal);
  const left: string[] = [];
  for (;;) {
    await heartbeat.cover(changes.receipt);
    const batch = changes.take(batchKeys, heartbeat.visible, heartbeat.visible);
    if (!batch) break;
    await new LateBatch(path, plan, log, left).settle(batch.keys, signal);
    changes.release(batch);
  }
  invariant(changes.empty, 'a sync that began after the swap has late writes in its hands');
  // The changelog goes next, and what follows may take its time: a beat would fail, and that would be told for a cause.
  await heartbeat.end();
  if (left.length === 0)
    log.info({}, 'the stream was read past the RENAME: nothing is in the old table only');
  return left;
}

/** The RENAME stands in the binlog before every mark written after it, so one mark is enough; a few for a reconnect. */
async function waitForSwap(
  { heartbeat, intake }: Pick<LatePath, 'heartbeat' | 'intake'>,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await heartbeat.pass(passTimeoutMs, signal);
    if (intake.swapSeen) return;
  }
  throw new Ambiguous('the tables are swapped, but the RENAME is not in the change stream', {
    hint: 'Writes that came at the last moment may be in the old table only: compare it with the new one before it is dropped.',
  });
}

class LateBatch {
  readonly #path: LatePath;
  readonly #plan: LatePlan;
  readonly #log: Pick<MigrationLog, 'warn'>;
  /** Keys that were not carried over. */
  readonly #left: string[];

  constructor(path: LatePath, plan: LatePlan, log: Pick<MigrationLog, 'warn'>, left: string[]) {
    this.#left = left;
    this.#path = path;
    this.#plan = plan;
    this.#log = log;
  }

  async settle(keys: readonly Key[], signal: AbortSignal): Promise<void> {
    if (this.#plan.triggers.made.length > 0) {
      // The old table's have fired for these writes already.
      for (const key of keys) this.#leave(key, 'the triggers of the new table would fire once more');
      return;
    }
    const { lateRows, retry } = this.#path;
    let waiting = keys;
    for (;;) {
      // What the stream has not brought yet is looked for under the rows' locks.
      waiting = this.#withoutNewer(waiting);
      if (waiting.length === 0) return;
      const batch = waiting;
      try {
        const work = (): Promise<boolean> =>
          lateRows.carry(batch, () => this.#allFree(batch, signal), signal);
        if (!(await retry('late write', work, signal))) continue;
        for (const key of batch) this.#tell(key, 'was carried over');
        return;
      } catch (error) {
        if (!(error instanceof DuplicateKey)) throw error;
        if (batch.length === 1) return this.#leave(batch[0]!, `${messageOf(error)} in the new table`);
        for (const key of batch) await this.settle([key], signal);
        return;
      }
    }
  }

  /** Everything that happened to the new rows until now has been seen, and it was nothing. */
  async #allFree(keys: readonly Key[], signal: AbortSignal): Promise<boolean> {
    await this.#path.heartbeat.pass(passTimeoutMs, signal);
    return !keys.some((key) => this.#isNewer(key));
  }

  #withoutNewer(keys: readonly Key[]): readonly Key[] {
    return keys.filter((key) => {
      if (!this.#isNewer(key)) return true;
      this.#leave(key, 'the row may have been changed in the new table since');
      return false;
    });
  }

  #isNewer(key: Key): boolean {
    const { intake, followsNewTable } = this.#path;
    // Where two keys can be one row to the server, any change may have been of this row.
    const { comparable } = this.#plan.codec;
    return !followsNewTable || (comparable ? intake.touchedSince.has(key) : intake.touchedSince.size > 0);
  }

  #leave(key: Key, why: string): void {
    this.#left.push(this.#words(key));
    this.#tell(key, `was NOT carried over: ${why}`);
  }

  #tell(key: Key, what: string): void {
    const words = this.#words(key);
    this.#log.warn({ key: words }, `a late write to the old table ${what}: ${words}`);
  }

  #words(key: Key): string {
    const { codec } = this.#plan;
    const literals = codec.literals(key);
    return codec.columns.map(({ name }, i) => `${name}=${literals[i]}`).join(', ');
  }
}

/**
 * Says that the run which has swapped the tables died before it had looked for late writes: nobody else does.
 * @param position what that run had applied for certain, as text.
 */
export function tellUnsettled(
  { original, artifacts }: Pick<Survey, 'original' | 'artifacts'>,
  position: string,
  log: Pick<MigrationLog, 'warn'>,
): void {
  const [table, old] = [quoteTable(original.ref), quoteTable(artifacts.old)];
  log.warn(
    {},
    `the run that swapped the tables died before it had looked for late writes: the old table is kept as ${old}. ` +
      `Writes that slipped in just before the RENAME, against its lock, would be in ${old} only: compare with ${table} ` +
      `the rows that the binlog has for ${table} between ${position} and the RENAME; then drop ${old} yourself.`,
  );
}

/**
 * The end of a run in which acknowledged writes are in the old table only: never a success (HAZARDS 108).
 * @param keys those that `settleLateWrites` has left.
 */
export function refuseLeftBehind(keys: readonly string[], old: TableRef): void {
  if (keys.length === 0) return;
  const some = keys.slice(0, 20).join('; ') + (keys.length > 20 ? '; ...' : '');
  throw new Ambiguous(
    `the tables are swapped, but ${keys.length} late writes are in the old table only: ${some}`,
    {
      hint: `The old table is kept as ${quoteTable(old)}: compare these rows with the new table's, which have changed since.`,
    },
  );
}
