// The replica whose binlog is read is lost on the way: a restart must not cost the run, and where it does not come back the
// run must be able to go on elsewhere, by GTIDs - and only by them: a file and an offset mean something else on another server.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Connection } from 'mysql2/promise';
import { statusHeader } from '../../src/ops/status.ts';
import { assertNothingLost, hasColumn, openLedger, type Run, until } from '../fault/fault-lab.ts';
import type { Flavor } from '../lab/lab.ts';
import { all, Chain, failureOf, runOn } from './topology-lab.ts';

/** Any file that exists puts the cut-over off. */
const postponed = ['--postpone-cut-over-flag-file', fileURLToPath(import.meta.url), '--chunk-size', '50'];
const impatient = ['--binlogsyncer-max-reconnect-attempts', '2'];

async function waiting(run: Run): Promise<void> {
  let ended = false;
  void run.ended.then(() => {
    ended = true;
  });
  await until(() => ended || run.migrator.snapshot().postponing, 'postponed', 60_000);
  assert.ok(!ended, run.lines.join('\n'));
}

async function finished(run: Run): Promise<void> {
  await waiting(run);
  run.migrator.unpostpone();
  assert.equal(await run.ended, undefined, run.lines.join('\n'));
}

for (const flavor of ['mysql', 'mariadb'] as const satisfies readonly Flavor[]) {
  describe(`the streamed replica is lost, ${flavor}`, () => {
    let chain: Chain;
    let primary: Connection;
    before(async () => {
      chain = await Chain.start({ flavor });
      primary = await chain.connect(chain.primary);
    });
    after(() => chain?.stop());

    test('it comes back: the run says that it waits, and goes on', async () => {
      await chain.prepare();
      const ledger = await openLedger(chain.primary);
      const load = ledger.start({ writers: 2, readers: 0, pauseMs: 10 });
      const run = runOn(chain.leaf, postponed);
      await waiting(run);
      await chain.leaf.stop();
      await until(() => !run.migrator.snapshot().streamConnected, 'the loss');
      const header = statusHeader(run.migrator.snapshot(), { exists: () => false, additionalFlagFile: null });
      assert.match(
        header.join('\n'),
        new RegExp(`^# Change stream: 127.0.0.1:${chain.leaf.port} is lost; connecting again`, 'm'),
      );
      await chain.leaf.restart();
      await until(() => run.migrator.snapshot().streamConnected, 'the stream', 60_000);
      await finished(run);
      await load.stop();
      await assertNothingLost(ledger, 'over the restart of the replica');
      assert.ok(await hasColumn(primary, 'extra'));
    });

    test('it does not come back: --resume goes on through another server', async () => {
      await chain.prepare();
      const ledger = await openLedger(chain.primary);
      const load = ledger.start({ writers: 2, readers: 0, pauseMs: 10 });
      const run = runOn(chain.leaf, [...postponed, ...impatient]);
      await waiting(run);
      await chain.leaf.stop();
      const failure = await failureOf(run);
      assert.match(failure.message, /after 2 attempts to connect again/);
      assert.match(failure.hint, /--resume goes on.* on another one of the topology \(--host\)/);
      const second = runOn(chain.middle, [...postponed, '--resume']);
      await finished(second);
      assert.match(second.lines.join('\n'), /the change stream goes on at 127\.0\.0\.1/);
      await load.stop();
      await assertNothingLost(ledger, 'through another replica');
      await chain.leaf.restart();
    });

    // Nothing fails in such a run: it once waited for ever for its marks, which no longer come.
    test('HAZARDS 96: it is promoted: the run stops and says so, and goes on through another one', async () => {
      await chain.prepare();
      const leaf = await chain.connect(chain.leaf);
      const ledger = await openLedger(chain.primary);
      const load = ledger.start({ writers: 2, readers: 0, pauseMs: 10 });
      const run = runOn(chain.leaf, postponed);
      await waiting(run);
      const word = flavor === 'mysql' ? 'REPLICA' : 'SLAVE';
      await all(leaf, `STOP ${word}`);
      await until(
        () => /replication on .* is stopped/.test(run.lines.join('\n')),
        'the word of the stop',
        60_000,
      );
      run.migrator.unpostpone();
      await all(leaf, `RESET ${word} ALL`, 'SET GLOBAL read_only = 0');
      const failure = await failureOf(run);
      assert.match(failure.message, /replicates from no server any more: was it promoted/);
      assert.match(failure.hint, /original table is untouched.*--resume through another replica/);
      assert.ok(!(await hasColumn(primary, 'extra')));
      await finished(runOn(chain.middle, [...postponed, '--resume']));
      await load.stop();
      await assertNothingLost(ledger, 'through another replica after a promotion');
      assert.ok(await hasColumn(primary, 'extra'));
    });
  });
}

test('by file and position only the same server will do, and another one is refused by name', async () => {
  const chain = await Chain.start({ flavor: 'mysql', gtid: false }, { autoPosition: false });
  try {
    await chain.prepare();
    const ledger = await openLedger(chain.primary);
    const load = ledger.start({ writers: 2, readers: 0, pauseMs: 10 });
    const run = runOn(chain.leaf, [...postponed, ...impatient]);
    await waiting(run);
    await chain.leaf.stop();
    assert.match((await failureOf(run)).hint, /this very server only/);
    const refused = await failureOf(runOn(chain.middle, [...postponed, '--resume']));
    assert.equal(refused.code, 'other-streamed-server');
    assert.match(refused.hint, /Point --host at the server of the first run/);
    await chain.leaf.restart();
    await finished(runOn(chain.leaf, [...postponed, '--resume']));
    await load.stop();
    await assertNothingLost(ledger, 'by file and position');
  } finally {
    await chain.stop();
  }
});
