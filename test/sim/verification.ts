import { isNothing } from '../../src/core/checkpoint.ts';
import type { Position } from '../../src/core/position.ts';
import type { VerifierParts } from '../../src/core/verify-parts.ts';
import { Watermark } from '../../src/core/watermark.ts';
import { Chunker } from '../../src/stages/chunker.ts';
import { Verifier } from '../../src/stages/verifier.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Plan } from './plan.ts';
import type { Row } from './row.ts';
import { SimStore, type StoreParts } from './store.ts';
import { quietVersion, SimVerifyStore } from './verify-store.ts';

/** The real verifier over the simulated server; what it reports is watched. */
export function makeVerifier(
  parts: StoreParts & { readonly plan: Plan; readonly onVerified: () => void },
  shared: Pick<VerifierParts, 'changes' | 'visibility' | 'turnstile' | 'gate' | 'clock' | 'retry'>,
  claimed: Checkpoint['verified'],
): Verifier {
  const { checks, space, plan } = parts;
  const repairs = claimed?.repairs ?? { repaired: 0, repairedRows: [] };
  const before = { covered: claimed?.covered ?? null, notCompared: 0, repairs };
  const bounds = new SimStore(parts, plan);
  const sizing = { rowsStart: 2, rowsMin: 1, targetMs: () => 20 };
  const make = (): { watermark: Watermark; chunker: Chunker } => {
    const watermark = new Watermark(space);
    return { watermark, chunker: new Chunker(bounds, watermark, plan, sizing) };
  };
  let pass = make();
  const verifierParts: VerifierParts = {
    ...shared,
    store: new SimVerifyStore(parts, plan.failure),
    chunks: {
      begin: (from) => {
        pass = make();
        if (from?.complete) pass.watermark.resumeComplete();
        else if (from && from.low !== null) pass.watermark.resumeAfter(from.low);
      },
      isAhead: (key) => space.comparable && pass.watermark.isAbove(key),
      next: (signal) => pass.chunker.next(signal),
      feedback: (chunk, rows, elapsedMs) => pass.chunker.feedback(chunk, rows, elapsedMs),
      settle: (chunk) => pass.watermark.settle(chunk),
    },
    log: {
      info: () => undefined,
      warn: (facts) => {
        const { key, columns } = facts as { key?: string; columns?: unknown };
        if (columns !== undefined) checks.reported(Number(key));
      },
    },
    describe: (key) => String(space.rank(key)),
    leftOut: [],
    record: async () => {
      await parts.scheduler.point();
      parts.onVerified();
    },
    order: space,
  };
  // Time flies here: what is not compared for want of it is a sample, and proves nothing.
  return new Verifier(verifierParts, { finishMs: 1e9, passTimeoutMs: 1e9 }, before);
}

/** What a checkpoint says of it. @param indexOf the entry of the log at a position. */
export function claimOf(
  verifier: Verifier | null,
  indexOf: (position: Position | null) => number,
): Checkpoint['verified'] {
  if (verifier === null) return null;
  const claim = verifier.claim();
  const covered = isNothing(claim.prefix) ? null : claim;
  return { index: indexOf(claim.from.position), covered, repairs: verifier.repairs };
}

/** Once: what was spoiled before an earlier run compared it was found by that run, or is in no claim. */
export function spoil(parts: StoreParts, plan: Plan): void {
  const { checks } = parts;
  if (checks.verifying) return;
  checks.verifying = true;
  damage(parts, plan.damage ?? 0);
  checks.spoilsLeft = plan.spoils;
}

/** Spoils rows of the ghost behind our back, or changes rows of the original without a trace in the binlog. */
function damage({ server, ghost, random, checks, space }: StoreParts, rows: number): void {
  const isLocked = (rank: number): boolean => ghost.isRowLocked(rank) || server.isLocked(rank);
  for (let n = 0; n < rows; n += 1) {
    const rank = random.int(space.size);
    if (isLocked(rank)) continue;
    const row = ghost.rows.get(rank);
    const others = [...ghost.rows.keys(), rank].filter((each) => !isLocked(each));
    const other = random.pick(others);
    const kind = random.int(4);
    if (!row) {
      if (server.latest.has(rank) || ghost.open.size > 0) continue;
      // Under BIT_XOR alone such a row cannot be seen.
      const u = 5000 + rank;
      ghost.rows.set(rank, { key: space.key(rank, false), u, version: quietVersion(rank, u) });
    } else if (kind === 0) ghost.rows.delete(rank);
    else if (kind === 1) swapValues(ghost.rows, rank, other, checks.damaged);
    else if (kind === 2) ghost.rows.set(rank, { ...row, version: -row.version });
    else if (!alter(server, rank)) continue;
    checks.damaged.add(rank);
  }
}

/** Two rows swap what they have beside their keys. */
function swapValues(rows: Map<number, Row>, a: number, b: number, damaged: Set<number>): void {
  const [one, two] = [rows.get(a), rows.get(b)];
  if (!one || !two) return;
  rows.set(a, { ...one, version: two.version });
  rows.set(b, { ...two, version: one.version });
  damaged.add(b);
}

/** An update with sql_log_bin=0. */
function alter({ latest, visible }: StoreParts['server'], rank: number): boolean {
  const row = latest.get(rank);
  if (!row || visible.get(rank) !== row) return false;
  const altered = { ...row, version: -row.version };
  latest.set(rank, altered);
  visible.set(rank, altered);
  return true;
}
