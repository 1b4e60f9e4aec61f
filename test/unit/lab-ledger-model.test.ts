// An unknown outcome must excuse exactly what it can explain: one way or the other, whole transactions only.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Comparison } from '../lab/ledger-compare.ts';
import { LedgerModel, type Step } from '../lab/ledger-model.ts';
import type { LedgerTable, TextRow } from '../lab/ledger-table.ts';
import { RowIndex } from '../lab/row-index.ts';

const table: LedgerTable = {
  database: 'd',
  name: 't',
  key: ['id'],
  columns: ['id', 'v'],
  makeRow: () => ({}),
  mutate: () => ({}),
};
const row = (id: number, v: string): TextRow => ({ id: String(id), v });
const insert = (id: number, v: string): Step => ({ kind: 'insert', row: id, values: row(id, v) });
const update = (id: number, v: string): Step => ({
  kind: 'update',
  row: id,
  target: row(id, ''),
  set: { v },
});
const remove = (id: number): Step => ({ kind: 'delete', row: id, target: row(id, '') });
const move = (id: number, to: number): Step => ({
  kind: 'update',
  row: id,
  target: row(id, ''),
  set: { id: String(to) },
});

function judge(model: LedgerModel, actual: readonly TextRow[]): [number, number, number] {
  const books = { table, model, index: new RowIndex(), maybeInserted: [], changed: true };
  const comparison = new Comparison(books);
  for (const { id, v } of actual) comparison.take([id ?? null, v ?? null]);
  const { lost, phantom, differing } = comparison.finish();
  return [lost, phantom, differing];
}

function modelOf(...rows: TextRow[]): LedgerModel {
  const model = new LedgerModel(table);
  for (const each of rows) model.certain.set(Number(each.id), each);
  return model;
}

test('a known outcome excuses nothing', () => {
  const model = modelOf(row(1, 'a'), row(2, 'a'));
  model.settle([update(1, 'b')], 'committed', [1]);
  model.settle([remove(2)], 'rolled-back');
  assert.deepEqual(judge(model, [row(1, 'b'), row(2, 'a')]), [0, 0, 0]);
  assert.deepEqual(judge(model, [row(1, 'a')]), [1, 0, 1]);
  assert.deepEqual(judge(model, [row(1, 'b'), row(2, 'a'), row(3, 'x')]), [0, 1, 0]);
});

test('an unknown update is either, and nothing else', () => {
  const model = modelOf(row(1, 'a'));
  model.settle([update(1, 'b')], 'unknown');
  model.settle([update(1, 'c')], 'unknown');
  for (const v of ['a', 'b', 'c']) assert.deepEqual(judge(model, [row(1, v)]), [0, 0, 0]);
  assert.deepEqual(judge(model, [row(1, 'd')]), [0, 0, 1]);
  assert.deepEqual(judge(model, []), [1, 0, 0]);
});

test('an unknown transaction over two rows is whole or not at all', () => {
  const model = modelOf(row(1, 'a'), row(2, 'b'));
  model.settle([update(1, 'b'), update(2, 'a')], 'unknown');
  assert.deepEqual(judge(model, [row(1, 'a'), row(2, 'b')]), [0, 0, 0]);
  assert.deepEqual(judge(model, [row(1, 'b'), row(2, 'a')]), [0, 0, 0]);
  assert.deepEqual(judge(model, [row(1, 'b'), row(2, 'b')]), [0, 0, 1]);
});

test('a later acknowledgement rules out worlds', () => {
  const model = modelOf(row(1, 'a'));
  model.settle([remove(1)], 'unknown');
  model.settle([update(1, 'z')], 'committed', [1]); // it was there: the delete has not happened
  assert.deepEqual(model.states(1), [row(1, 'z')]);
  assert.deepEqual(judge(model, []), [1, 0, 0]);

  const gone = modelOf(row(1, 'a'));
  gone.settle([remove(1)], 'unknown');
  gone.settle([update(1, 'z')], 'committed', [0]);
  assert.deepEqual(gone.states(1), [null]);
});

test('unknown inserts and moves excuse either place, not both', () => {
  const model = modelOf(row(1, 'a'));
  model.settle([insert(5, 'n')], 'unknown');
  model.settle([move(1, 9)], 'unknown');
  assert.deepEqual(judge(model, [row(1, 'a')]), [0, 0, 0]);
  assert.deepEqual(judge(model, [row(9, 'a'), row(5, 'n')]), [0, 0, 0]);
  assert.deepEqual(judge(model, [row(1, 'a'), row(9, 'a')]), [0, 1, 0]);
});

test('an acknowledgement that nothing explains is a surprise', () => {
  const model = modelOf(row(1, 'a'));
  model.settle([update(1, 'b')], 'committed', [0]);
  assert.equal(model.surprises, 1);
  assert.deepEqual(judge(model, [row(1, 'b')]), [0, 0, 0]);
});
