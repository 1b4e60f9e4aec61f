// Where the server lets only one INSERT .. SELECT at a time into the ghost, one worker copies.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyWorkersMax } from '../../src/migrator/copy-workers.ts';
import type { Plan } from '../../src/migrator/plan.ts';

function workers(mode: string | null, counts: boolean, fixed: number | null): [number, string[]] {
  const lines: string[] = [];
  const say = (_: object, message: string): void => void lines.push(message);
  const ghost = { columns: [{ autoIncrement: counts }] } as unknown as Plan['ghost'];
  const variables = new Map(mode === null ? [] : [['innodb_autoinc_lock_mode', mode]]);
  return [copyWorkersMax({ variables }, { ghost }, fixed, 4, { debug: say, info: say, warn: say }), lines];
}

test('one worker copies into a counting table where its lock would have the others wait', () => {
  for (const mode of ['0', '1']) assert.equal(workers(mode, true, null)[0], 1);
  assert.match(workers('1', true, null)[1].join(), /one worker copies/);
});

test('what the operator wants is done, and it is said that it is of no use', () => {
  const [count, lines] = workers('1', true, 3);
  assert.equal(count, 3);
  assert.match(lines.join(), /will not make the copy faster/);
});

test('elsewhere as many as there would be', () => {
  assert.deepEqual(workers('2', true, null), [4, []]);
  assert.deepEqual(workers('1', false, null), [4, []]);
  assert.deepEqual(workers(null, true, 2), [2, []]);
});
