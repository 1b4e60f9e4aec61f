/** The command, whose comparison of a chunk takes a third of a second longer: there is time to end it in the midst of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SqlVerifyStore } from '../../src/mysql/verify-store.ts';

const { compareRange } = SqlVerifyStore.prototype;
SqlVerifyStore.prototype.compareRange = async function (range, without, signal) {
  await sleep(300, undefined, { signal });
  return await compareRange.call(this, range, without, signal);
};
await import('../lab/cli.ts');
