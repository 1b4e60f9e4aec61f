import { randomUUID } from 'node:crypto';
import { messageOf } from '../base/errors.ts';
import { deadline } from '../base/pulse.ts';
import { type CheckpointState, type CheckpointTask, hashOf } from '../core/checkpoint.ts';
import { isAtLeast, type Phase } from '../core/phase.ts';
import type { Position } from '../core/position.ts';
import { plainRecord } from '../core/settings.ts';
import type { TableRef } from '../core/table-ref.ts';
import {
  createCheckpointTable,
  type StoredCheckpoint,
  takeOver,
  writeCheckpoint,
  writeFirstCheckpoint,
} from '../mysql/checkpoint-table.ts';
import { withoutCounter } from '../mysql/inspector/definition.ts';
import { SessionPool } from '../mysql/pool.ts';
import { dataProfile } from '../mysql/profile.ts';
import { Session } from '../mysql/session.ts';
import { Checkpoints } from '../stages/checkpoint.ts';
import type { MigrationParts } from './config.ts';
import type { DataPath } from './data-path.ts';
import type { Survey } from './inspect.ts';
import type { Plan } from './plan.ts';

/** A checkpoint that is not answered in this time is written again on another connection, ms: a run must not hang on it. */
const writeTimeoutMs = 15_000;
/** How long the last checkpoint of a run that ends may take, ms: an operator waits for the prompt. */
const lastWriteTimeoutMs = 10_000;

/** What a checkpoint says of the migration as such. */
function taskOf(survey: Survey, plan: Plan, { config, clock }: MigrationParts): CheckpointTask {
  const { alter, original, facts, artifacts } = survey;
  return {
    tool: config.toolVersion,
    statement: alter.text,
    statementHash: hashOf(alter.text),
    originalSql: withoutCounter(original.createSql),
    ghostSql: withoutCounter(plan.ghost.createSql),
    planHash: planHash(plan),
    columns: [...plan.mapping.shared, ...plan.mapping.computed],
    deferred: plan.deferred,
    server: facts.uuid,
    flavor: facts.flavor,
    oldName: artifacts.old.name,
    startedAtMs: clock.wallMs(),
  };
}

/** Fingerprint of a plan: what was copied under one must not be continued under another. */
export function planHash({ mapping, filled, key, profile }: Plan): string {
  const keyFacts = [key.key.name, key.columns.map(({ name }) => name), key.sameComparison];
  return hashOf(JSON.stringify([mapping.shared, filled, keyFacts, profile.timeZone]));
}

/** What the checkpoints of a run are taken of. */
export interface Run {
  readonly path: DataPath;
  /** Where the stream was started: claimed until it has read something. */
  readonly start: Position;
  readonly phase: () => Phase;
  /** Columns of the ghost that may lose data. */
  readonly lossy: ReadonlySet<string>;
}

/**
 * The checkpoint of one run: its table and its writer.
 *
 * States: new -> created (the table is there, without a row) -> written (a row says where to go on; entered
 * by the first write, or by `adopt`: then the row is an earlier run's and becomes ours).
 */
export class Checkpoint {
  readonly #parts: MigrationParts;
  readonly #table: TableRef;
  readonly #runId = randomUUID();
  readonly #pool: SessionPool;
  #run: Run | null = null;
  #task: CheckpointTask | null = null;
  #writer: Checkpoints | null = null;
  #written = false;
  #writtenAtMs = 0;
  #settled = false;
  #drained = false;
  readonly #streamed: string;

  /** @param streamed the server whose positions are written (ServerFacts.uuid). */
  constructor(parts: MigrationParts, table: TableRef, streamed: string) {
    this.#parts = parts;
    this.#table = table;
    this.#streamed = streamed;
    const { config, clock } = parts;
    this.#pool = new SessionPool(config.connection, {
      name: 'checkpoint',
      size: 1,
      profile: { ...dataProfile, statementTimeoutMs: parts.statementMs?.mark ?? writeTimeoutMs },
      clock,
    });
  }

  /** True when there is something to resume from. */
  get written(): boolean {
    return this.#written;
  }

  /** Makes the table of a migration that begins. */
  async create(session: Session, survey: Survey, plan: Plan): Promise<void> {
    await createCheckpointTable(session, this.#table);
    this.#task = taskOf(survey, plan, this.#parts);
  }

  /** Takes the row of an earlier run over. @throws Failure `lock-lost`. */
  async adopt(session: Session, { runId, writtenAtMs }: StoredCheckpoint): Promise<void> {
    // Whatever comes of it, there is a row to resume from.
    this.#written = true;
    this.#writtenAtMs = writtenAtMs;
    await takeOver(session, this.#table, runId, this.#runId);
  }

  /**
   * Writes every interval and at phase changes until the signal aborts. Of a revert nothing is written: it begins each time
   * where the migration ended.
   */
  async run(run: Run, signal: AbortSignal): Promise<void> {
    const { config, clock, log } = this.#parts;
    if (config.names.revertOf !== undefined) return;
    this.#run = run;
    const writer = new Checkpoints({
      port: { write: (state, stop) => this.#pool.use((session) => this.#write(session, state), stop) },
      capture: () => this.#capture(run),
      lenient: () => isAtLeast(run.phase(), 'cutting-over'),
      clock,
      log,
    });
    this.#writer = writer;
    await writer.run(config.checkpointIntervalMs, signal);
  }

  /** Resolves when what is stored was taken after this call. Of a revert nothing is. */
  async writeNow(signal: AbortSignal): Promise<void> {
    await this.#writer?.now(signal);
  }

  /** Another phase has begun. */
  phaseChanged(): void {
    this.#writer?.soon();
  }

  /**
   * The cut-over has drained under its lock: should this run die after the RENAME, another one knows from where on changes of
   * the original came too late. Best effort, within `limitMs`: writers wait.
   */
  async writeDrained(limitMs: number): Promise<void> {
    const run = this.#run;
    if (run === null) return;
    this.#drained = true;
    const { clock, log } = this.#parts;
    const limit = deadline(limitMs, 'the checkpoint under the lock', clock);
    const write = this.#pool.use((session) => this.#write(session, this.#capture(run)), limit.signal);
    const over = new Promise<void>((_, reject) => {
      limit.signal.addEventListener('abort', () => reject(limit.signal.reason), { once: true });
    });
    await Promise.race([write, over])
      .catch((error: unknown) => log.warn({}, `the checkpoint under the lock failed: ${messageOf(error)}`))
      .finally(limit.clear);
  }

  /** The lock is gone without a swap. */
  forgetDrain(): void {
    this.#drained = false;
  }

  /** Records that the old table may go: should this run die now, another one knows it. */
  async writeSettled(phase: Phase): Promise<void> {
    this.#settled = true;
    await this.writeLast(phase);
  }

  /**
   * The checkpoint of a run that ends, when nothing of it is in flight any more; or the record that the
   * tables are swapped. Best effort: the one before holds as well, it only claims less.
   */
  async writeLast(phase: Phase): Promise<void> {
    const { config, clock, log } = this.#parts;
    const run = this.#run;
    if (run === null) return;
    const limit = new AbortController();
    const timer = clock.sleep(lastWriteTimeoutMs, limit.signal).then(
      () => limit.abort(new Error(`no answer within ${lastWriteTimeoutMs} ms`)),
      () => undefined,
    );
    const setup = { profile: { ...dataProfile, statementTimeoutMs: lastWriteTimeoutMs }, clock };
    try {
      const session = await Session.open(config.connection, {
        ...setup,
        name: 'last checkpoint',
        signal: limit.signal,
      });
      try {
        const state = { ...this.#capture(run), phase };
        await this.#write(session, state);
        log.info({}, `checkpoint success at coords=${state.position}`);
      } finally {
        await session.close();
      }
    } catch (error) {
      log.warn({}, `the last checkpoint could not be written: ${messageOf(error)}`);
    } finally {
      limit.abort();
      await timer;
    }
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #write(session: Session, state: CheckpointState): Promise<void> {
    const table = this.#table;
    // Whatever the clock does: one that was given up, and comes late, must not undo a later one.
    this.#writtenAtMs = Math.max(Math.round(this.#parts.clock.wallMs()), this.#writtenAtMs + 1);
    const writtenAtMs = this.#writtenAtMs;
    if (this.#written) await writeCheckpoint(session, table, this.#runId, state, writtenAtMs);
    else
      await writeFirstCheckpoint(session, table, {
        runId: this.#runId,
        writtenAtMs,
        task: this.#task!,
        state,
      });
    this.#written = true;
  }

  /** In one turn of the event loop: position and prefix are of one moment. */
  #capture({ path, start, phase, lossy }: Run): CheckpointState {
    const { changes, watermark, chunker, copier, heartbeat, rowsBefore, intake, verification } = path;
    return {
      position: (changes.appliedPosition() ?? start).toString(),
      streamed: this.#streamed,
      prefix: { complete: watermark.complete, low: watermark.complete ? null : watermark.low },
      phase: phase(),
      rowsCopied: rowsBefore + copier.rows,
      chunkRows: chunker.rows,
      marks: heartbeat.marks,
      drained: this.#drained,
      // Read past the RENAME with nothing that came before it left to do: from a position behind it nobody could tell.
      settled: this.#settled || (intake.swapSeen && changes.empty),
      verified: verification?.stateAt(start) ?? null,
      lossy: [...lossy],
      settings: plainRecord(this.#parts.settings),
    };
  }
}
