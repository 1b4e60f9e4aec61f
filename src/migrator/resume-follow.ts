import type { Scope } from '../base/scope.ts';
import type { Position } from '../core/position.ts';
import type { ChangeStream } from '../core/stream.ts';
import { retry } from '../mysql/retry.ts';
import type { MigrationParts } from './config.ts';
import type { DataPath } from './data-path.ts';
import { watchFailover } from './failover-watch.ts';
import { waitForPreparedXa } from './prepared-xa.ts';
import type { Beginning } from './resume-begin.ts';
import { prepareStreamed } from './streamed-server.ts';

const firstPassTimeoutMs = 60_000;
/** The stream of a run that goes on may have days of binlog before it. */
const catchUpTimeoutMs = 7 * 86_400_000;

/** What runs from the first moment on. */
export interface FollowContext {
  readonly beginning: Pick<Beginning, 'survey' | 'plan' | 'point'>;
  readonly path: DataPath;
  readonly parts: MigrationParts;
  readonly scope: Scope;
  readonly throttler: { run(signal: AbortSignal): Promise<void> };
  readonly signal: AbortSignal;
}

/**
 * Starts the stream and the heartbeat. All subscriptions come before the start (HAZARDS 43, 100), and the
 * position is taken before any row is read (I1), or is the one at which an earlier run stopped.
 * @returns where the stream started.
 */
export async function follow(context: FollowContext): Promise<Position> {
  const { beginning, path, parts, scope, throttler, signal } = context;
  const { survey, plan, point } = beginning;
  const { original, artifacts } = survey;
  const { stream, heartbeat, intake } = path;
  stream.subscribe(original.ref, { role: 'original', definition: original, codec: plan.codec });
  const { ghost, changelog, old } = artifacts;
  stream.followChangelog(changelog);
  stream.watch(point?.ghostOnly ? [ghost] : [ghost, changelog, ...(point ? [] : [old])]);
  if (!point) {
    const write = (sql: string): Promise<void> =>
      path.askSessions.use(async (session) => void (await session.execute(sql)), signal);
    await prepareStreamed(parts, survey, write, signal);
  }
  const position = point ? stream.parsePosition(point.position) : await positionNow(stream, parts, signal);
  // An XA transaction that ends now may have changed what is copied already.
  if (point) intake.expectCopy();
  scope.spawn((stop) => stream.run(position, path.sink, stop));
  scope.spawn((stop) => intake.relieve(stop));
  await stream.ready(signal);
  scope.spawn((stop) => heartbeat.run(parts.config.heartbeatIntervalMs, stop));
  // Once the tables are swapped nothing may rest any more, and no load may end the run.
  scope.spawn((stop) => throttler.run(AbortSignal.any([stop, path.retired.signal])));
  scope.spawn((stop) => path.backlog.run(AbortSignal.any([stop, path.retired.signal])));
  const watch = {
    ...{ parts, survey, streamLagMs: () => heartbeat.streamLagMs },
    ask: path.askSessions.use.bind(path.askSessions),
  };
  scope.spawn((stop) => watchFailover(watch, AbortSignal.any([stop, path.retired.signal])));
  if (point) {
    // What was committed before now is visible. The way of the mark back may be long: the applier is needed
    // for it.
    await heartbeat.mark();
    return position;
  }
  await waitForPreparedXa(path, parts, signal);
  // What was committed before the position may not be visible yet; after this mark it is. It also proves the
  // stream.
  await heartbeat.pass(firstPassTimeoutMs, signal);
  intake.expectCopy();
  return position;
}

/** Nothing has been read yet: a later position does as well. */
function positionNow(
  stream: Pick<ChangeStream, 'currentPosition'>,
  { config, clock }: MigrationParts,
  signal: AbortSignal,
): Promise<Position> {
  const bounds = { attempts: config.retries, baseDelayMs: 100, maxDelayMs: 2000, idempotent: true };
  return retry(() => stream.currentPosition(), { ...bounds, clock, signal, retryOn: ['connection', 'busy'] });
}

/**
 * Waits until the stream of a run that goes on has reached the present; others are there already. From here on the old table's
 * name is ours: before, others may have had it, and were refused if they still did.
 */
export async function catchUp(
  { heartbeat, stream }: DataPath,
  { survey: { artifacts }, point }: FollowContext['beginning'],
  signal: AbortSignal,
): Promise<void> {
  if (!point) return;
  await heartbeat.pass(catchUpTimeoutMs, signal);
  if (!point.ghostOnly) stream.watch([artifacts.ghost, artifacts.changelog, artifacts.old]);
}
