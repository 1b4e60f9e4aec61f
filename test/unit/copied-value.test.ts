/** What is read in place of a bare column, where INSERT .. SELECT would not do what the ALTER does; and in which zone. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { copiedValue } from '../../src/core/copied-value.ts';
import { refuseZeroDates } from '../../src/core/implicit-default.ts';
import { dependsOnZone, refuseDayOfTime } from '../../src/core/zone.ts';
import { column, table } from './key-helpers.ts';

test('a value is read as the ALTER would convert it', () => {
  const read = (from: string, to: string, bytes: readonly [number, number] | null = null): string => {
    const size = (i: 0 | 1) => (bytes === null ? {} : { lengthBytes: bytes[i] });
    return copiedValue(column('a', from, size(0)), column('a', to, size(1)), '`a`');
  };
  assert.equal(read('float', 'varchar(20)'), 'CAST(`a` AS CHAR)');
  assert.equal(read('year', 'text'), 'CAST(`a` AS CHAR)');
  assert.equal(read('int(5) unsigned zerofill', 'char(9)'), 'CAST(`a` AS CHAR)');
  assert.equal(read('float', 'double'), '`a`');
  assert.equal(read('int', 'varchar(9)'), '`a`');
  assert.equal(read('text', 'tinytext', [65_535, 255]), 'CONCAT(`a`)');
  assert.equal(read('longblob', 'blob', [4_294_967_295, 65_535]), 'CONCAT(`a`)');
  assert.equal(read('tinytext', 'text', [255, 65_535]), '`a`');
  assert.equal(read('varchar(9)', 'varchar(4)'), "IF(CHAR_LENGTH(`a`) > 4, CONCAT(`a`, 'x'), `a`)");
  assert.equal(read('varchar(4)', 'varchar(9)'), '`a`');
  assert.equal(read('varchar(9)', 'varchar(4) latin1_bin'), '`a`');
});

describe('the zone of the server counts', () => {
  const depends = (
    from: string,
    to: string,
    createSql = '',
    added: Parameters<typeof column>[2] = {},
  ): boolean => {
    const original = table({ id: 'int', a: from }, []);
    const ghost = { ...table({ id: 'int', a: to }, []), createSql };
    const columns = [...ghost.columns, column('n', 'datetime', added)];
    const shared = ['id', 'a'].map((name) => ({ from: name, to: name }));
    const mapping = { shared, computed: [], skipped: [], added: ['n'], dropped: [] };
    return dependsOnZone(original, { ...ghost, columns }, mapping);
  };
  test('where TIMESTAMP becomes another type, or the other way', () => {
    assert.equal(depends('timestamp', 'datetime'), true);
    assert.equal(depends('varchar(9)', 'timestamp'), true);
    assert.equal(depends('timestamp', 'timestamp(3)'), false);
    assert.equal(depends('datetime', 'date'), false);
  });
  test('where something is computed with a TIMESTAMP', () => {
    const line = '  `d` date GENERATED ALWAYS AS (cast(`a` as date)) STORED';
    assert.equal(depends('timestamp', 'timestamp', line), true);
    assert.equal(depends('datetime', 'datetime', line), false);
    assert.equal(depends('timestamp', 'timestamp', '  `a` timestamp NULL DEFAULT NULL,'), false);
  });
  test('where a new column takes the time of the clock', () => {
    assert.equal(depends('int', 'int', '', { defaultText: 'CURRENT_TIMESTAMP' }), true);
    assert.equal(depends('int', 'int', '', { defaultText: 'current_timestamp()' }), true);
    assert.equal(depends('int', 'int', '', { defaultText: '2024-01-01 00:00:00' }), false);
  });
});

test('TIME does not become DATETIME: on which day?', () => {
  const shared = [{ from: 'a', to: 'a' }];
  const mapping = { shared, computed: [], skipped: [], added: [], dropped: [] };
  const [time, datetime] = [table({ a: 'time' }, []), table({ a: 'datetime' }, [])];
  assert.throws(() => refuseDayOfTime(time, datetime, mapping), { code: 'time-to-datetime' });
  refuseDayOfTime(datetime, time, mapping);
});

test('zero dates are filled in only where the server allows them', () => {
  const filled = [{ column: 'd', literal: "'0000-00-00'" }];
  assert.throws(() => refuseZeroDates(filled, 'STRICT_TRANS_TABLES,NO_ZERO_DATE'), { code: 'zero-date' });
  refuseZeroDates(filled, 'STRICT_TRANS_TABLES,NO_ZERO_IN_DATE');
  refuseZeroDates([{ column: 'n', literal: '0' }], 'NO_ZERO_DATE');
});
