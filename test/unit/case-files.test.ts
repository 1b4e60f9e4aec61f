// The case folders say what their files mean, and a runner that read them wrongly would test nothing.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readCases, splitScript, splitWords } from '../cases/case-files.ts';

describe('case folders', () => {
  test('a script is split at line ends, by the delimiter in force; comments between statements are left out', () => {
    const script =
      '-- first\nCREATE TABLE t (\n  id INT\n);\nDELIMITER ;;\nBEGIN\n  DO 1;\nEND ;;\ndelimiter ;\nDO 2;\n';
    assert.deepEqual(splitScript(script), ['CREATE TABLE t (\n  id INT\n)', 'BEGIN\n  DO 1;\nEND ', 'DO 2']);
    assert.throws(() => splitScript('DO 1'), /no end: DO 1/);
  });

  test('words: quotes keep blanks, and are taken off', () => {
    assert.deepEqual(splitWords(`--a=1 --b "two words" --c='x y'  --d`), [
      '--a=1',
      '--b',
      'two words',
      '--c=x y',
      '--d',
    ]);
    assert.deepEqual(splitWords(''), []);
  });

  test('there are cases of every kind, and each that succeeds has live changes', () => {
    const cases = readCases();
    assert.ok(cases.length >= 80, `${cases.length} cases`);
    for (const { name, create, expectFailure, flavor } of cases) {
      assert.equal(/^fail-/.test(name), expectFailure !== null, `${name} is named for what it is not`);
      assert.ok(flavor === null || flavor === 'mysql' || flavor === 'mariadb', `${name}: flavor ${flavor}`);
      if (expectFailure === null)
        assert.ok(
          create.some((each) => /CREATE EVENT live/.test(each)),
          name,
        );
    }
  });
});
