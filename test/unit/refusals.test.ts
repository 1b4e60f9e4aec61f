// An operator at three in the morning must not find what stands in the way one after the other.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Failure, Refusal } from '../../src/base/errors.ts';
import { Refusals } from '../../src/base/refusals.ts';
import { checkAlter } from '../../src/core/alter/check.ts';
import { parseAlter } from '../../src/core/alter/clauses.ts';

const refuse = (code: string, also: readonly Refusal[] = []): never => {
  throw new Refusal(code, `because of ${code}`, { hint: `mend ${code}`, also });
};
const thrownBy = (work: () => void): Refusal => {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    return error;
  }
  return assert.fail('nothing was refused');
};

describe('refusals, collected', () => {
  test('none: what was judged comes back', async () => {
    const refusals = new Refusals();
    assert.equal(
      refusals.judge(() => 7),
      7,
    );
    assert.equal(await refusals.judgeAsync(async () => 8), 8);
    refusals.throwIfAny();
  });

  test('one is thrown as it was', () => {
    const one = new Refusal('one', 'because');
    const refusals = new Refusals();
    refusals.add(one);
    assert.equal(
      thrownBy(() => refusals.throwIfAny()),
      one,
    );
  });

  test('the first is thrown and has the others with it, each once, from however deep', async () => {
    const refusals = new Refusals();
    assert.equal(
      refusals.judge(() => refuse('a', [new Refusal('b', 'b')])),
      undefined,
    );
    await refusals.judgeAsync(async () => refuse('a'));
    await refusals.judgeAsync(async () => refuse('c'));
    const thrown = thrownBy(() => refusals.throwIfAny());
    assert.deepEqual([thrown.code, thrown.message, thrown.hint], ['a', 'because of a', 'mend a']);
    assert.deepEqual(
      thrown.also.map(({ code }) => code),
      ['b', 'c'],
    );
  });

  test('what is no refusal is none of theirs', () => {
    const broken = (): never => {
      throw new Failure('broken');
    };
    assert.throws(() => new Refusals().judge(broken), Failure);
  });

  test('all that is wrong with an ALTER', () => {
    const alter = parseAlter('RENAME TO x, ADD a INT REFERENCES p (id), CHANGE b c INT, ALGORITHM=INSTANT');
    const { code, also } = thrownBy(() => void checkAlter(alter));
    assert.deepEqual(
      [code, ...also.map((each) => each.code)],
      ['table-rename', 'algorithm', 'foreign-key-added', 'renamed-columns'],
    );
  });
});
