// The lab takes the mirror from the machine's own package sources: both formats occur, with all their extras.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLines, parseStanzas } from '../lab/apt.ts';

test('reads one-line sources with options and comments', () => {
  const text =
    '# deb http://no/ x main\ndeb [arch=amd64 signed-by=/k] http://a/debian stable main contrib # c\n';
  assert.deepEqual(parseLines(text), [
    { uri: 'http://a/debian', suites: ['stable'], components: ['main', 'contrib'] },
  ]);
});

test('reads deb822 stanzas with comments, several URIs and switched off ones', () => {
  const text = `Types: deb deb-src
# a remark
URIs: http://a/debian http://b/debian
Suites: stable stable-updates
Components: main
 contrib

Types: deb
URIs: http://off/
Suites: stable
Components: main
Enabled: no
`;
  const shared = { suites: ['stable', 'stable-updates'], components: ['main', 'contrib'] };
  assert.deepEqual(parseStanzas(text), [
    { uri: 'http://a/debian', ...shared },
    { uri: 'http://b/debian', ...shared },
  ]);
});
