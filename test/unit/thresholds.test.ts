// A limit on the load that is read as another one lets a migration go on where it should rest.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainRecord } from '../../src/core/settings.ts';
import { formatThresholds, parseThresholds } from '../../src/core/thresholds.ts';
import { readValue } from '../../src/ops/option-value.ts';
import { options } from '../../src/ops/options.ts';

test('status variables with a value each, in the order of their names', () => {
  const cases: [string, string | null][] = [
    ['', ''],
    ['Threads_running=25', 'Threads_running=25'],
    [' Threads_running = 25 , Threads_connected=500,', 'Threads_connected=500,Threads_running=25'],
    ['a=1,a=2', 'a=2'],
    ['wsrep.x=0', 'wsrep.x=0'],
    ...['a', 'a=', 'a=x', 'a=-1', 'a=1.5', '=1', 'a=1=2', 'a b=1', 'a=9999999999999999'].map(
      (text): [string, null] => [text, null],
    ),
  ];
  for (const [text, expected] of cases) {
    const read = parseThresholds(text);
    assert.equal(read && formatThresholds(read), expected, text);
  }
});

test('as the value of an option: what is none is refused by its name', () => {
  const spec = options.get('max-load')!;
  assert.deepEqual(readValue('--max-load', spec, 'b=2,a=1'), {
    value: new Map([
      ['a', 1],
      ['b', 2],
    ]),
  });
  assert.throws(
    () => readValue('--max-load', spec, 'a'),
    /--max-load names status variables as name=value,name=value, not "a"/,
  );
});

test('a checkpoint holds them as an object', () => {
  assert.deepEqual(plainRecord({ maxLoad: new Map([['a', 1]]), batchKeys: 5 }), {
    maxLoad: { a: 1 },
    batchKeys: 5,
  });
});
