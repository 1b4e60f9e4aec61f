// Indexes are built after the copy: the applier rests, a full change set lets it go on, a stale row is no collision.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Failure, Transient } from '../../src/base/errors.ts';
import type { BuildStep } from '../../src/core/deferral.ts';
import { OnlineLogFull } from '../../src/core/index-port.ts';
import { DuplicateKey } from '../../src/core/store.ts';
import { Applier } from '../../src/stages/applier.ts';
import { Conflicts } from '../../src/stages/conflicts.ts';
import { Indexes } from '../../src/stages/indexes.ts';
import { forever, stageParts } from './stage-parts.ts';

const plain: BuildStep = { names: ['a', 'b'], clauses: 'ADD a, ADD b', lock: 'NONE', unique: false };
const unique: BuildStep = { names: ['u'], clauses: 'ADD UNIQUE u', lock: 'NONE', unique: true };
const buildMs = 1000;

/** @param failures what each try of a build throws, null where it succeeds. */
function setUp(
  steps: readonly BuildStep[],
  failures: (Error | null)[] = [],
  collision: string | null = null,
  complete = true,
) {
  const parts = stageParts({ complete });
  const { calls, clock, changes, store, visibility, turnstile, retry } = parts;
  const conflicts = new Conflicts(store, changes, visibility, turnstile, {
    ...{ attempts: 5, passTimeoutMs: 1e6, addedUniqueness: true, batchKeys: 10 },
  });
  const applier = new Applier({ ...parts, conflicts, sizing: { batchKeys: 10 } });
  const stop = new AbortController();
  const applying = applier.run(1, stop.signal);
  const indexes = new Indexes({
    port: {
      missing: async () => steps,
      build: async ({ names, lock }) => {
        calls.push(`build ${names} ${lock}`);
        await clock.sleep(buildMs);
        const failure = failures.shift();
        calls.push(`end ${names}`);
        if (failure) throw failure;
      },
      collision: async () => collision,
    },
    ...{ conflicts, changes, retry, attempts: 3, watermark: parts.watermark },
    heedUniqueKeys: () => void calls.push('heed'),
    onStep: () => undefined,
  });
  const run = indexes.run(forever).finally(() => stop.abort(new Error('end of test')));
  run.catch(() => undefined);
  const end = async (): Promise<void> => {
    await clock.runUntil(applying);
    await clock.runUntil(run);
  };
  const touch = (from: number, to: number): void => {
    for (let key = from; key < to; key += 1) changes.touch(key, false);
  };
  const told = (): string[] => calls.filter((call) => /^(build|end|heed|sync)/.test(call));
  return { ...parts, indexes, end, touch, told };
}

describe('building indexes', () => {
  test('first what is known is synced; then the applier rests until the indexes are there', async () => {
    const { end, clock, touch, told, visibility, indexes } = setUp([plain]);
    touch(1, 3);
    await clock.advance(100);
    touch(5, 7);
    void visibility.mark();
    await clock.advance(500);
    assert.deepEqual(told(), ['sync 1,2 alone', 'build a,b NONE']);
    await clock.advance(buildMs);
    await end();
    assert.deepEqual(told().slice(2), ['end a,b', 'sync 5,6 beside']);
    assert.deepEqual(indexes.progress, { built: 2, total: 2 });
  });

  test('not before all rows are copied', async () => {
    const { end, told } = setUp([plain], [], null, false);
    await assert.rejects(end(), /before all rows are copied/);
    assert.deepEqual(told(), []);
  });

  test('where the change set fills up, the applier goes on beside the build', async () => {
    const { end, clock, touch, told, visibility } = setUp([plain]);
    await clock.advance(50);
    touch(0, 100);
    void visibility.mark();
    await clock.advance(300);
    assert.ok(told().some((call) => call.startsWith('sync')) && !told().includes('end a,b'), `${told()}`);
    await clock.advance(buildMs);
    await end();
  });

  test('where the server lets nobody write meanwhile, it rests on', async () => {
    const { end, clock, touch, told, visibility } = setUp([{ ...plain, lock: 'SHARED' }]);
    await clock.advance(50);
    touch(0, 100);
    void visibility.mark();
    await clock.advance(300);
    assert.deepEqual(told(), ['build a,b SHARED']);
    await clock.advance(buildMs);
    await end();
  });

  test('where the log of changes meanwhile overflows, it is built again without company', async () => {
    const { end, clock, touch, told, visibility } = setUp([plain], [new OnlineLogFull('full'), null]);
    await clock.advance(50);
    touch(0, 100);
    void visibility.mark();
    await clock.advance(2 * buildMs);
    touch(0, 100);
    void visibility.mark();
    await clock.advance(2 * buildMs);
    await end();
    const again = told().lastIndexOf('build a,b NONE');
    assert.equal(told()[again + 1], 'end a,b', `${told()}`);
  });

  test('HAZARDS 89: a duplicate that is a stale row is no collision: read on, and again', async () => {
    const { end, clock, told } = setUp([unique], [new DuplicateKey('u', '5'), null]);
    await clock.advance(3 * buildMs);
    await end();
    assert.deepEqual(told(), ['heed', 'build u NONE', 'end u', 'heed', 'build u NONE', 'end u']);
  });

  test('HAZARDS 89: a duplicate of two rows of the original ends it and names both', async () => {
    const { end, clock } = setUp([unique], [new DuplicateKey('u', '5')], 'id=1 and id=2');
    await clock.advance(3 * buildMs);
    const error = await end().catch((thrown: unknown) => thrown);
    assert.ok(error instanceof Failure && error.reason === 'collision');
    assert.match(error.message, /unique key u: id=1 and id=2/);
  });

  test('stale rows without end are not waited out for ever; a Transient is tried again', async () => {
    const stale = (): Error => new DuplicateKey('u', '5');
    const { end, clock, told } = setUp([unique], [stale(), new Transient('lock'), stale(), stale()]);
    await clock.advance(10 * buildMs);
    const error = await end().catch((thrown: unknown) => thrown);
    assert.match(String(error), /could not be built in 3 attempts/);
    assert.equal(told().filter((call) => call.startsWith('build')).length, 4);
  });

  test('HAZARDS 89: a stale row that stands in the way of the syncs before a build does not end the migration', async () => {
    const { end, clock, touch, told, store, changes, visibility } = setUp([plain, unique]);
    const sync = store.sync;
    let stale = 1;
    store.sync = async (keys, deleted, manner, signal) => {
      await sync(keys, deleted, manner, signal);
      // Of a key that an earlier step has built; the change that frees the value is still in the stream.
      if (manner === 'alone' && stale-- > 0) throw new DuplicateKey('earlier', '5');
      return keys.length;
    };
    touch(1, 2);
    await clock.advance(5 * buildMs);
    void visibility.mark();
    await clock.advance(5 * buildMs);
    await end();
    assert.ok(changes.empty);
    assert.deepEqual(
      told().filter((call) => call.startsWith('end')),
      ['end a,b', 'end u'],
    );
  });
});
