// A filter that drops changes on their way to the replica makes them lost to us; filters of other schemas are everyday.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filtersOn } from '../../src/mysql/inspector/replication-filters.ts';

const cases: readonly (readonly [name: string, text: string, harmful: boolean])[] = [
  ['Replicate_Do_DB', 'shop,other', false],
  ['Replicate_Do_DB', 'other', true],
  ['Replicate_Ignore_DB', 'mysql', false],
  ['Replicate_Ignore_DB', 'mysql,Shop', true],
  ['Replicate_Ignore_Table', 'mysql.rds_history,mysql.rds_sysinfo', false],
  ['Replicate_Ignore_Table', 'shop.audit', true],
  ['Replicate_Do_Table', 'shop.orders', true],
  ['Replicate_Wild_Ignore_Table', 'test\\_%.%', false],
  ['Replicate_Wild_Ignore_Table', 'sh%.%', true],
  ['Replicate_Wild_Ignore_Table', 'sho_.tmp%', true],
  ['Replicate_Wild_Ignore_Table', 'sho\\_.tmp%', false],
  ['Replicate_Wild_Do_Table', 'shop.%', false],
  ['Replicate_Wild_Do_Table', 'shop.o%', true],
  ['Replicate_Rewrite_DB', '(shop,store)', true],
  ['Replicate_Rewrite_DB', '(a,b)', false],
];

for (const [name, text, harmful] of cases) {
  test(`${name}=${text} ${harmful ? 'may keep changes of shop' : 'lets all changes of shop through'}`, () => {
    assert.equal(filtersOn([{ name, text }], 'shop').length, harmful ? 1 : 0);
  });
}
