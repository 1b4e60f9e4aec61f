import { Ambiguous, messageOf, Transient } from '../base/errors.ts';
import type { Phase } from '../core/phase.ts';
import { cutOverSteps } from '../core/swap-port.ts';
import type { SqlSwap } from '../mysql/swap.ts';
import { CutOver, type CutOverParts, type SwapReport } from '../stages/cutover.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { MigrationParts } from './config.ts';
import type { DataPath } from './data-path.ts';
import type { Survey } from './inspect.ts';
import type { Plan } from './plan.ts';
import type { Readiness } from './readiness.ts';
import { ReplicationStop } from './replica-test.ts';
import { makeSwapPort } from './swap-port.ts';

const readinessPollMs = 100;
/** How long an attempt looks for old transactions to end before it counts as failed. */
const patienceMs = 30_000;
/** How long the record that all is drained may take, ms: the writers wait for it, and readers behind the RENAME. */
const drainedMs = 300;

/** What the swap of a migration works with. */
export interface SwapContext {
  readonly parts: MigrationParts;
  readonly survey: Survey;
  readonly plan: Plan;
  readonly path: DataPath;
  readonly checkpoint: Pick<Checkpoint, 'writeDrained' | 'forgetDrain'>;
  readonly readiness: Readiness;
  readonly throttler: { readonly reason: string | null };
  readonly enter: (phase: Phase, attempt: number) => void;
  readonly onSwapped: () => void;
  /** Counts the ghost's statistics. @returns what the server complained about. */
  readonly analyzeGhost: () => Promise<string | null>;
  readonly signal: AbortSignal;
}

/**
 * Waits until the operator and the state of things allow it, and cuts over; an attempt that fails is made again later.
 * @throws the last attempt's error when the tries are used up; what cannot be tried again at once.
 */
export async function swapTables(context: SwapContext): Promise<SwapReport> {
  const { parts, survey, plan, path } = context;
  const port = makeSwapPort(survey, plan, path, parts);
  const stop = new ReplicationStop(parts, survey.facts.flavor);
  try {
    return await tryAgainAndAgain(context, port, stop);
  } catch (error) {
    // Where nobody knows which table is which, nothing may be applied to either.
    if (!(error instanceof Ambiguous)) await stop.undo();
    throw error;
  } finally {
    await port.dispose();
  }
}

async function tryAgainAndAgain(
  context: SwapContext,
  port: SqlSwap,
  replication: ReplicationStop,
): Promise<SwapReport> {
  const { path, enter, checkpoint, signal } = context;
  const { config, clock, log } = context.parts;
  let attempt = 0;
  const cutOver = makeCutOver(context, port, () => attempt);
  enter('waiting', attempt);
  await context.parts.moments?.reach('before-cut-over', signal);
  await waitUntilReady(context);
  const complaint = context.parts.config.cutOver.analyze ? await context.analyzeGhost() : null;
  if (complaint !== null) log.warn({}, `ANALYZE of the ghost table: ${complaint}`);
  for (;;) {
    enter('waiting', attempt);
    await waitUntilReady(context);
    attempt += 1;
    enter('cutting-over', attempt);
    path.expectSwap();
    try {
      await replication.stop(signal);
      const report = await cutOver.attempt(signal);
      log.info(
        { ...report },
        `tables swapped; writers were stopped for ${Math.round(report.writerStopMs)} ms`,
      );
      return report;
    } catch (error) {
      // An unknown outcome is told even where the run was to end anyhow.
      if (!(error instanceof Transient)) throw error;
      signal.throwIfAborted();
      if (attempt >= config.retries) throw error;
      checkpoint.forgetDrain();
      await replication.undo();
      const seconds = backoffSeconds(attempt, config.cutOver);
      log.warn({ attempt }, `cut-over attempt failed: ${messageOf(error)}; next in ${seconds} s`);
      await clock.sleep(seconds * 1000, signal);
    }
  }
}

function makeCutOver(
  { parts, path, checkpoint, onSwapped }: SwapContext,
  port: SqlSwap,
  attempt: () => number,
): CutOver {
  const { config, clock, log, atStep, meter } = parts;
  const { changes, heartbeat: visibility, applier, turnstile } = path;
  let drained = Promise.resolve();
  let before: { readonly step: string; readonly atMs: number } | null = null;
  const onStep: CutOverParts['onStep'] = (step, detail) => {
    const words = detail === '' ? cutOverSteps[step] : `${cutOverSteps[step]}: ${detail}`;
    log.info({ attempt: attempt() }, `cut-over: ${words}`);
    if (before !== null) meter?.timing('cut_over.step', clock.nowMs() - before.atMs, { step: before.step });
    before = { step, atMs: clock.nowMs() };
    // Written while the RENAME gets in line, and before it can come to pass.
    if (step === 'drained') drained = checkpoint.writeDrained(drainedMs);
    return step === 'queued' ? drained.then(() => atStep?.(step)) : atStep?.(step);
  };
  const warn = (message: string): void => log.warn({ attempt: attempt() }, `cut-over: ${message}`);
  const retire = (): void => path.retired.abort(new Error('the ghost must not be written to any more'));
  const compare = async (signal: AbortSignal): Promise<void> => await path.verification?.finish(signal);
  return new CutOver(
    { port, changes, visibility, applier, turnstile, clock, onSwapped, retire, onStep, warn, compare },
    { lockTimeoutMs: config.cutOver.lockTimeoutSeconds * 1000, patienceMs },
  );
}

async function waitUntilReady({ parts, path, readiness, throttler, signal }: SwapContext): Promise<void> {
  let said = '';
  for (;;) {
    const obstacle = await readiness.obstacle(path, throttler.reason, signal);
    if (obstacle === null) return;
    // One line a kind of obstacle, not one a poll.
    const kind = obstacle.replace(/[\d.]+/g, '');
    if (kind !== said) parts.log.info({}, `the cut-over waits: ${obstacle}`);
    said = kind;
    await parts.clock.sleep(readinessPollMs, signal);
  }
}

function backoffSeconds(
  attempt: number,
  options: { readonly exponentialBackoff: boolean; readonly backoffMaxSeconds: number },
): number {
  return options.exponentialBackoff ? Math.min(2 ** (attempt - 1), options.backoffMaxSeconds) : 1;
}
