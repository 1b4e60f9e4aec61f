// A run that goes on reads again what a dead one did to the tables, and knows it by its text alone: connections of the dead
// cannot be known.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Replay } from '../../src/migrator/resume-replay.ts';

const table = (name: string) => ({ schema: 's', name });
const artifacts = {
  ...{ ghost: table('_t_gho'), changelog: table('_t_ghc'), old: table('_t_del') },
  ...{ sentry: table('t_ghs'), checkpoint: table('_t_ghk') },
};
const make = (): Replay => new Replay(7, table('t'), artifacts, null);
const swaps = {
  atomic: 'RENAME TABLE `s`.`_t_del` TO `s`.`t_ghs`, `s`.`t` TO `s`.`_t_del`, `s`.`_t_gho` TO `s`.`t`',
  'locked-rename': 'RENAME TABLE `s`.`t` TO `s`.`_t_del`, `s`.`_t_gho` TO `s`.`t`',
  'two-step': 'ALTER TABLE `s`.`_t_gho` RENAME TO `s`.`t`',
};

describe('what a dead run did', () => {
  for (const [kind, sql] of Object.entries(swaps)) {
    test(`its swap is known, by --cut-over=${kind}, until the first mark of this run`, () => {
      const replay = make();
      assert.ok(replay.swaps(sql));
      replay.marked({ id: 1, sequence: 7, writtenAtMs: 0 });
      assert.ok(replay.swaps(sql));
      replay.marked({ id: 1, sequence: 8, writtenAtMs: 0 });
      assert.equal(replay.swaps(sql), false);
    });
  }

  test('other renames are none', () => {
    const replay = make();
    for (const sql of ['RENAME TABLE `s`.`t` TO `s`.`_t_del`', 'RENAME TABLE `s`.`other` TO `s`.`t`'])
      assert.equal(replay.swaps(sql), false, sql);
  });

  test('the first of two renames is forgiven, and no more than that', () => {
    const replay = make();
    assert.ok(replay.forgives('ALTER TABLE `s`.`t` RENAME TO `s`.`_t_del`', 's'));
    assert.equal(replay.forgives('ALTER TABLE `s`.`t` ADD COLUMN x INT', 's'), false);
  });

  test('so is the rename that takes it back, however it is typed, and no other one', () => {
    const replay = make();
    for (const sql of [
      'RENAME TABLE `s`.`_t_del` TO `s`.`t`',
      'rename table s._t_del to t',
      'RENAME TABLE _t_del TO `t`;',
      'ALTER TABLE `s` . _t_del RENAME AS s.t /* by hand */',
    ])
      assert.ok(replay.forgives(sql, 's'), sql);
    for (const sql of [
      'RENAME TABLE other._t_del TO s.t',
      'RENAME TABLE s._t_del TO s.t, s._t_gho TO s.x',
      'RENAME TABLE s.t TO s._t_del',
      'ALTER TABLE s._t_del RENAME TO s.t, ADD x INT',
    ])
      assert.equal(replay.forgives(sql, 's'), false, sql);
    assert.equal(replay.forgives('RENAME TABLE _t_del TO s.t', 'other'), false);
  });

  test('foreign keys to the original from other tables do no harm either; what alters the tables themselves does', () => {
    const replay = make();
    for (const sql of [
      'ALTER TABLE other ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES t (id)',
      'alter table `s`.`o``t` add foreign key (p) references `s`.`t` (id)',
      'CREATE TABLE IF NOT EXISTS s.other (p INT, FOREIGN KEY (p) REFERENCES s.t (id))',
    ])
      assert.ok(replay.forgives(sql, 's'), sql);
    for (const sql of [
      'ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES other (id)',
      'ALTER TABLE `s` . `T` ADD FOREIGN KEY (p) REFERENCES s.t (id)',
      'ALTER TABLE other RENAME TO t, ADD FOREIGN KEY (p) REFERENCES x (id)',
      'ALTER TABLE other ADD FOREIGN KEY (p) REFERENCES _t_gho (id)',
      "ALTER TABLE s.t COMMENT 'references'",
      'DROP TABLE s.t',
    ])
      assert.equal(replay.forgives(sql, 's'), false, sql);
  });

  test('triggers that came and went do no harm: those that are there now have been refused', () => {
    const replay = make();
    for (const sql of [
      'CREATE TRIGGER s.tr AFTER DELETE ON s.t FOR EACH ROW SET @x = 1',
      'create or replace definer = `an admin`@`%` trigger s.tr BEFORE INSERT ON s.t FOR EACH ROW SET @x = 1',
    ])
      assert.ok(replay.forgives(sql, 's'), sql);
    for (const sql of ["CREATE TABLE s.t (a INT) COMMENT 'a TRIGGER '", 'ALTER TABLE s.t ADD trigger_ INT'])
      assert.equal(replay.forgives(sql, 's'), false, sql);
    replay.marked({ id: 1, sequence: 8, writtenAtMs: 0 });
    assert.equal(
      replay.forgives('CREATE TRIGGER s.tr AFTER DELETE ON s.t FOR EACH ROW SET @x = 1', 's'),
      false,
    );
  });
});
