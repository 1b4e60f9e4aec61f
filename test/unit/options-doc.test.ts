// An option reference that was written by hand once told of flags that had long gone: it is printed from the table.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { optionsMarkdown } from '../docs/options-doc.ts';

test('docs/options.md is what the options table says (npm run docs)', () => {
  const written = readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8');
  assert.equal(written, optionsMarkdown());
});

test('the reference does not depend on the machine it is printed on', () => {
  assert.ok(!optionsMarkdown().includes(`\`${tmpdir()}/`), 'a temporary folder of this machine');
});
