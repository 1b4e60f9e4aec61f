/** docs/hazards.md stays true: each hazard has its line, and the tests that it names are there under these names. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const text = readFileSync(join(root, 'docs/hazards.md'), 'utf8');
const HAZARDS = 123;
const CITATION = /`(test\/[\w./-]+)`\s+"([^"]+)"/g;

interface Entry {
  readonly number: number;
  readonly text: string;
}

/** From a line that begins with a number to the next such line or title. */
function entries(): Entry[] {
  const parts = text.split(/^(?=\d+\. |#)/m).filter((part) => /^\d/.test(part));
  return parts.map((part) => ({ number: Number.parseInt(part, 10), text: part }));
}

test('every hazard has its line, in order', () => {
  const numbers = entries().map((entry) => entry.number);
  assert.deepEqual(
    numbers,
    Array.from({ length: HAZARDS }, (_, i) => i + 1),
  );
});

test('every line names a test, or says that there is none yet, and why', () => {
  for (const entry of entries()) {
    const isHonest = /\*Not yet\*: \S/.test(entry.text);
    assert.ok(isHonest || [...entry.text.matchAll(CITATION)].length > 0, `hazard ${entry.number}`);
  }
});

test('the files and tests that are named exist', () => {
  const missing: string[] = [];
  for (const entry of entries()) {
    for (const [, file = '', name = ''] of entry.text.matchAll(CITATION)) {
      const path = join(root, file);
      // A name may stand for a table of cases: then it is the text that all of them have.
      if (!existsSync(path) || !plain(readFileSync(path, 'utf8')).includes(name))
        missing.push(`${entry.number}: ${file} "${name}"`);
    }
  }
  assert.equal(missing.length, 0, `\n${missing.join('\n')}\n`);
});

function plain(source: string): string {
  return source.replaceAll("\\'", "'");
}
