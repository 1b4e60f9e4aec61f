// A postpone flag file that a refused run leaves behind holds up the next one's cut-over, and nobody knows why.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Failure, UsageError } from '../../src/base/errors.ts';
import type { Moments } from '../../src/core/moments.ts';
import { checkFlagFile, createFlagFile, withPostponeFile } from '../../src/ops/flag-files.ts';

describe('the postpone flag file', () => {
  let folder: string;
  const path = (name: string): string => join(folder, name);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pg-flag-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const vetoing: Moments = { reach: () => Promise.reject(new Failure('no')) };

  test('is there when the hook on-validated is told, and not before', async () => {
    const seen: string[] = [];
    const hooks: Moments = {
      reach: async (moment) => void seen.push(`${moment} ${existsSync(path('f'))}`),
    };
    const moments = withPostponeFile(hooks, () => path('f'));
    await moments.reach('startup');
    await moments.reach('validated');
    assert.deepEqual(seen, ['startup false', 'validated true']);
  });

  test('goes again where the hook vetoes, unless it was there before', async () => {
    await assert.rejects(withPostponeFile(vetoing, () => path('f')).reach('validated'), Failure);
    assert.equal(existsSync(path('f')), false);
    writeFileSync(path('f'), 'mine');
    await assert.rejects(withPostponeFile(vetoing, () => path('f')).reach('validated'), Failure);
    assert.equal(readFileSync(path('f'), 'utf8'), 'mine');
  });

  test('is made without hooks too, and not where none is asked for', async () => {
    await withPostponeFile(undefined, () => null).reach('validated');
    await withPostponeFile(undefined, () => path('deep/er')).reach('validated');
    assert.ok(existsSync(path('deep/er')));
    assert.equal(await createFlagFile(path('deep/er')), false);
  });

  test('one that could not be made is told before anything is begun, and nothing is made for that', async () => {
    await checkFlagFile(path('a/b/c'));
    assert.equal(existsSync(path('a')), false);
    writeFileSync(path('file'), '');
    await checkFlagFile(path('file'));
    await assert.rejects(checkFlagFile(path('file/f')), UsageError);
    await assert.rejects(createFlagFile(path('file/f')), UsageError);
    mkdirSync(path('locked'), { mode: 0o500 });
    if (process.getuid?.() !== 0) await assert.rejects(checkFlagFile(path('locked/f')), UsageError);
  });
});
