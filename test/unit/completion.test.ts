// A completion that offers what the command refuses is worse than none: it is printed from the options table.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { completion } from '../../src/ops/completion.ts';
import { options } from '../../src/ops/options.ts';

const folder = mkdtempSync(join(tmpdir(), 'poltergeist-completion-'));
after(() => rmSync(folder, { recursive: true }));
const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

/** What bash offers after these words, the last of which is begun; `=` is a word of its own there. */
function offered(...words: string[]): string[] {
  const script = `${completion(['bash'])}
    cd "${folder}"
    COMP_WORDS=(poltergeist ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}
    _poltergeist; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
  assert.equal(`${status} ${stderr}`, '0 ', words.join(' '));
  return stdout.split('\n').filter((line) => line !== '');
}

test('each script is one that its shell can read', { skip: !has('bash') }, () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const file = join(folder, shell);
    writeFileSync(file, completion([shell]));
    if (has(shell)) assert.equal(spawnSync(shell, ['-n', file], { encoding: 'utf8' }).stderr, '', shell);
  }
});

test('all three offer every option that does something, and none that is refused', () => {
  const wanted = [...options].filter(([, { withoutEffect }]) => !withoutEffect).map(([name]) => name);
  for (const [shell, pattern] of Object.entries({
    bash: /--([\w-]+)/g,
    zsh: /'--([\w-]+)=/g,
    fish: / -l ([\w-]+)/g,
  })) {
    const found = new Set([...completion([shell]).matchAll(pattern)].map(([, name]) => name));
    for (const name of wanted) assert.ok(found.has(name), `${shell}: --${name}`);
    for (const own of ['socket', 'tcp', 'token', 'timeout-seconds', 'charset'])
      assert.equal(found.has(own), own !== 'charset', own);
  }
});

test('bash: options, words of a choice, switches, files', { skip: !has('bash') }, () => {
  assert.deepEqual(offered('--max-lag'), ['--max-lag-millis']);
  assert.deepEqual(offered('c').sort(), ['cleanup', 'completion', 'ctl']);
  assert.deepEqual(offered('--storage-engine', ''), ['innodb', 'rocksdb']);
  assert.deepEqual(offered('--storage-engine', '=', 'r'), ['rocksdb']);
  assert.deepEqual(offered('-log-format', '='), ['auto', 'text', 'json']);
  assert.deepEqual(offered('--execute', '=', 'f'), ['false']);
  assert.deepEqual(offered('--execute', '--ver').sort(), [
    '--verbose',
    '--verify',
    '--verify-concurrency',
    '--version',
  ]);
  assert.deepEqual(offered('--host', ''), []);
  writeFileSync(join(folder, 'my file.cnf'), '');
  assert.deepEqual(offered('--conf', 'my'), ['my file.cnf']);
  assert.deepEqual(offered('--conf', '=', 'my'), ['my file.cnf']);
});

test('bash: the commands of ctl', { skip: !has('bash') }, () => {
  assert.deepEqual(offered('ctl', '--so'), ['--socket']);
  assert.deepEqual(offered('ctl', '--database', 'd', '--table', 't', 'unp'), ['unpostpone']);
  assert.deepEqual(offered('ctl', 'chunk'), ['chunk-size=']);
  assert.deepEqual(offered('completion', 'z'), ['zsh']);
});

test('fish: options, words of a choice, switches, and the commands of ctl', { skip: !has('fish') }, () => {
  const file = join(folder, 'poltergeist.fish');
  writeFileSync(file, completion(['fish']));
  const offers = (line: string): string[] => {
    const script = `source ${file}; complete -C '${line}'`;
    const { stdout } = spawnSync('fish', ['--no-config', '-c', script], { encoding: 'utf8', cwd: folder });
    return stdout
      .split('\n')
      .filter((each) => each !== '')
      .map((each) => each.split('\t')[0]!);
  };
  assert.deepEqual(offers('poltergeist --max-lag'), ['--max-lag-millis']);
  assert.deepEqual(offers('poltergeist --storage-engine '), ['innodb', 'rocksdb']);
  assert.deepEqual(offers('poltergeist --execute=f'), ['--execute=false']);
  assert.deepEqual(offers('poltergeist --execute --ok-to-drop-t').sort(), [
    '--ok-to-drop-table',
    '--ok-to-drop-table=',
  ]);
  assert.deepEqual(offers('poltergeist --execute f'), [], 'the next word is no value of it');
  assert.deepEqual(offers('poltergeist ctl unp'), ['unpostpone']);
});

test('another shell is a usage error', () => {
  for (const argv of [[], ['tcsh'], ['bash', 'x'], ['constructor']])
    assert.throws(() => completion(argv), /UsageError: completion is for one of bash, zsh, fish/);
});
