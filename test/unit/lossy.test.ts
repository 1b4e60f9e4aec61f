/** Which column a warning speaks of decides whether data may be lost: values in messages must not pass for names. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { columnsNamed, isTolerated } from '../../src/core/lossy.ts';

const columns = new Set(['a', 'b', "x' for column 'a", '日`本']);

describe('the column that a message of the server names', () => {
  const named: readonly (readonly [message: string, ...columns: string[]])[] = [
    ["Out of range value for column 'a' at row 7", 'a'],
    ["Data truncated for column 'b' at row 70000", 'b'],
    ["Incorrect string value: '\\xF0' for column `s`.`_t_gho`.`a` at row 1", 'a'],
    ['Incorrect string value for column `s`.`_t_gho`.`日``本` at row 1', '日`本'],
    ['Invalid JSON text: "x" at position 0 in value for column \'_t_gho.b\'.', 'b'],
    ["Invalid TIMESTAMP value in column 'a' at row 2", 'a'],
    ["Column 'a' cannot be null", 'a'],
    ["Field 'b' doesn't have a default value", 'b'],
    ["Check constraint 'a' is violated."],
    ["Out of range value for column 'other' at row 1"],
    ["Truncated incorrect DOUBLE value: 'a'"],
    ["Incorrect integer value: 'for column 'a' at row 1' for column 'b' at row 1", 'b'],
  ];
  for (const [message, ...expected] of named)
    test(message, () => assert.deepEqual(columnsNamed(message, columns), expected));

  test('all that could be meant, where a name looks like an end', () => {
    const found = columnsNamed("Out of range value for column 'x' for column 'a' at row 1", columns);
    assert.deepEqual([...found].sort(), ['a', "x' for column 'a"]);
  });
});

describe('a warning is tolerated', () => {
  test('only where every column that it may speak of is', () => {
    const twice = "Out of range value for column 'x' for column 'a' at row 1";
    assert.equal(isTolerated("Out of range value for column 'a' at row 1", columns, new Set(['a'])), true);
    assert.equal(isTolerated("Out of range value for column 'b' at row 1", columns, new Set(['a'])), false);
    assert.equal(isTolerated(twice, columns, new Set(['a'])), false);
    assert.equal(isTolerated('something of no column', columns, new Set(columns)), false);
  });
});
