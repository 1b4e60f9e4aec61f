import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Heartbeat } from '../../src/stages/heartbeat.ts';
import { VirtualClock } from '../lab/virtual-clock.ts';
import { LogPosition } from '../sim/server.ts';

const forever = new AbortController().signal;

/** A heartbeat whose marks take 10 ms to be committed. */
function make(lastSequence = 0) {
  const clock = new VirtualClock();
  const received = { receipt: 0, readPosition: new LogPosition(0) };
  const written: number[] = [];
  const port = {
    failures: 0,
    writeMark: async (sequence: number): Promise<void> => {
      await clock.sleep(10);
      if (port.failures-- > 0) throw new Error('server has gone away');
      written.push(sequence);
    },
  };
  const heartbeat = new Heartbeat(port, received, clock, lastSequence);
  const back = (sequence: number, writtenAtMs = clock.wallMs()): void =>
    heartbeat.marked({ id: 1, sequence, writtenAtMs });
  return { clock, received, written, port, heartbeat, back };
}

describe('marks', () => {
  // I1, I2: the end of the binlog may lie after transactions whose rows cannot be read yet.
  it('nothing is visible before the first one, not even what lies before the start', async () => {
    const { heartbeat, clock, written } = make();
    assert.equal(heartbeat.visible.receipt, -1);
    await clock.runUntil(heartbeat.cover(0));
    assert.deepEqual(written, [1]);
    await heartbeat.cover(0);
    assert.deepEqual(written, [1], 'and one is enough');
  });

  // HAZARDS 109: what was received while the mark was on its way may not be visible when it is committed.
  it('make visible what was received before they were sent, not before they were committed', async () => {
    const { heartbeat, clock, received } = make();
    received.receipt = 5;
    const mark = heartbeat.mark();
    await clock.advance(1);
    received.receipt = 8;
    assert.equal((await clock.runUntil(mark)).receipt, 5);
    assert.equal(heartbeat.visible.receipt, 5);
  });

  // The writers wait while a drain waits for visibility: one mark must be enough for it.
  it('make visible all that precedes them in the stream, once they are committed and have come back', async () => {
    const { heartbeat, clock, received, back } = make();
    const early = heartbeat.mark();
    await clock.advance(1);
    received.receipt = 8;
    back(1);
    received.receipt = 9;
    assert.equal(heartbeat.visible.receipt, -1, 'what has come back may not be visible yet');
    await clock.runUntil(early);
    assert.equal(heartbeat.visible.receipt, 8);
    await clock.runUntil(heartbeat.mark());
    received.receipt = 12;
    back(2);
    assert.equal(heartbeat.visible.receipt, 12);
    back(1);
    received.receipt = 13;
    assert.equal(heartbeat.visible.receipt, 12, 'a mark that comes again proves nothing');
  });

  it('that fail make nothing visible, although they come back', async () => {
    const { heartbeat, clock, port, back } = make();
    port.failures = 1;
    const failed = assert.rejects(heartbeat.mark(), /gone away/);
    await clock.advance(1);
    back(1);
    await clock.runUntil(failed);
    assert.equal(heartbeat.visible.receipt, -1);
  });

  it('one serves all who ask before it is sent; who asks later gets another', async () => {
    const { heartbeat, clock, written } = make();
    const early = [heartbeat.mark(), heartbeat.mark()];
    await clock.advance(1);
    const late = [heartbeat.mark(), heartbeat.mark()];
    const sequences = (await clock.runUntil(Promise.all([...early, ...late]))).map((mark) => mark.sequence);
    assert.deepEqual(sequences, [1, 1, 2, 2]);
    assert.deepEqual(written, [1, 2]);
  });

  it('one that fails is reported to those who asked for it, and the next goes on', async () => {
    const { heartbeat, clock, port } = make();
    port.failures = 1;
    await assert.rejects(clock.runUntil(heartbeat.mark()), /gone away/);
    assert.equal(heartbeat.visible.receipt, -1);
    assert.equal((await clock.runUntil(heartbeat.mark())).sequence, 2);
  });

  it('are passed when they come back, not when they are committed', async () => {
    const { heartbeat, clock, back } = make();
    let passed = false;
    const pass = heartbeat.pass(1000, forever).then(() => {
      passed = true;
    });
    await clock.advance(50);
    assert.equal(passed, false);
    back(1);
    await clock.runUntil(pass);
    assert.equal(clock.sleeperCount, 0, 'the deadline leaves no timer');
  });

  it('that do not come back are Transient', async () => {
    const { heartbeat, clock } = make();
    await assert.rejects(clock.runUntil(heartbeat.pass(1000, forever)), { name: 'Transient' });
  });

  // After a resume the stream brings the marks of the run before: they say nothing of what is received now.
  it('of an earlier run, or of somebody else, do not count', async () => {
    const { heartbeat, clock, back } = make(40);
    const pass = heartbeat.pass(1000, forever);
    await clock.advance(20);
    back(39);
    back(40);
    back(99);
    await assert.rejects(clock.runUntil(pass), { name: 'Transient' });
    const next = heartbeat.pass(1000, forever);
    await clock.advance(20);
    back(42);
    assert.equal((await clock.runUntil(next)).sequence, 42);
  });
});

describe('the heartbeat', () => {
  it('beats until it is stopped', async () => {
    const { heartbeat, clock, written } = make();
    const controller = new AbortController();
    const run = heartbeat.run(90, controller.signal);
    await clock.advance(295);
    controller.abort(new Error('stop'));
    await assert.rejects(run, /stop/);
    assert.deepEqual(written, [1, 2, 3]);
  });

  it('does not beat where others have just had a mark written', async () => {
    const { heartbeat, clock, written } = make();
    const controller = new AbortController();
    const run = heartbeat.run(90, controller.signal);
    await clock.advance(70);
    await clock.runUntil(heartbeat.mark());
    await clock.advance(85);
    assert.deepEqual(written, [1, 2]);
    await clock.advance(20);
    assert.deepEqual(written, [1, 2, 3]);
    controller.abort(new Error('stop'));
    await assert.rejects(run, /stop/);
  });

  it('tells the lag of the stream, which grows while nothing comes back', async () => {
    const { heartbeat, clock, back } = make();
    const sent = clock.wallMs();
    await clock.runUntil(heartbeat.mark());
    await clock.advance(490);
    back(1, sent);
    assert.equal(heartbeat.streamLagMs, 500);
    await clock.advance(2000);
    assert.equal(heartbeat.streamLagMs, 2000);
  });

  it('the aged frontier is one that has been visible for a second', async () => {
    const { heartbeat, clock, received } = make();
    for (const receipt of [3, 7]) {
      received.receipt = receipt;
      await clock.runUntil(heartbeat.mark());
      assert.equal(heartbeat.aged.receipt, -1);
      await clock.advance(500);
    }
    assert.equal(heartbeat.aged.receipt, 3);
    await clock.advance(1000);
    assert.equal(heartbeat.aged.receipt, 7);
  });
});
