// MySQL gives the CHECK constraints of a copied table other names: an ALTER that drops one means the original's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCheckNames } from '../../src/core/alter/check-names.ts';

const renamed = new Map([
  ['t_chk_1', '_t_gho_chk_2'],
  ['a`b', '_t_gho_chk_1'],
]);

test('names of CHECK constraints are replaced where they are dropped or altered, and nowhere else', () => {
  const cases = [
    ['DROP CHECK t_chk_1', 'DROP CHECK `_t_gho_chk_2`'],
    ['drop /* x */ constraint T_CHK_1, ADD y INT', 'drop /* x */ constraint `_t_gho_chk_2`, ADD y INT'],
    ['ALTER CHECK `a``b` NOT ENFORCED', 'ALTER CHECK `_t_gho_chk_1` NOT ENFORCED'],
    ['DROP CHECK other, DROP COLUMN t_chk_1', 'DROP CHECK other, DROP COLUMN t_chk_1'],
    [
      "ADD z INT CHECK (z > 1) COMMENT 'DROP CHECK t_chk_1'",
      "ADD z INT CHECK (z > 1) COMMENT 'DROP CHECK t_chk_1'",
    ],
  ];
  for (const [given, meant] of cases) assert.equal(withCheckNames(given!, renamed), meant);
});
