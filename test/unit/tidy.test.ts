// biome-ignore-all lint/suspicious/noTemplateCurlyInString: samples of source text
/** The repository's own text is held to the rules of the house: layers, sizes, clock, words, docstrings. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  clockViolations,
  docstringViolations,
  importsOf,
  layerViolations,
  orphanViolations,
  sizeViolations,
  type Violation,
  wordViolations,
} from './tidy-rules.ts';
import { functionsOf, readSource, type Source } from './tidy-source.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

function sourcesIn(folder: string): Source[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .sort()
    .map((path) => readSource(path, readFileSync(join(root, path), 'utf8')));
}

const src = sourcesIn('src');
const tests = sourcesIn('test');

function assertNone(violations: readonly Violation[]): void {
  assert.equal(violations.length, 0, `\n${violations.join('\n')}\n`);
}

test('imports run one way through the layers', () => assertNone(src.flatMap(layerViolations)));

test('files, functions and lines are short', () => assertNone([...src, ...tests].flatMap(sizeViolations)));

test('time comes from the injected clock', () => assertNone(src.flatMap(clockViolations)));

test('one word for one thing', () => assertNone(src.flatMap(wordViolations)));

test('what is exported says what it is', () => assertNone(src.flatMap(docstringViolations)));

test('every file is used', () => assertNone(orphanViolations(src, ['src/cli.ts'])));

const sample = (text: string, path = 'src/core/sample.ts'): Source => readSource(path, text);

test('the scanner tells code from comments and literals', () => {
  const text = [
    "const a = 'it\\'s // no comment'; // real",
    'const b = `x ${f({ y: `}` })} /* no */`; /* real */',
    'const c = /[/"]\\/`/g.test(d) ? 1 / 2 / 3 : "}"; // end',
  ].join('\n');
  const { code, comments, uncommented } = sample(text);
  assert.equal(code.length, text.length);
  assert.equal(comments.replace(/\s+/g, ' ').trim(), '// real /* real */ // end');
  assert.match(code, /f\(\{ y: {5}\}\)/);
  assert.match(code, /1 \/ 2 \/ 3/);
  assert.doesNotMatch(code, /["'`]/);
  assert.ok(uncommented.includes('// no comment'));
});

test('the scanner finds functions of every form, and no other blocks', () => {
  const { code } = sample('');
  assert.equal(code, '');
  const names = (text: string): string[] =>
    functionsOf(sample(text)).map(({ name, lines }) => `${name} ${lines}`);
  assert.deepEqual(names('function a(): void {\n}\n'), ['a 2']);
  assert.deepEqual(names('async function a<T>({ x }: { x: T }): Promise<{ y: T }> {\n}\n'), ['a 2']);
  assert.deepEqual(names('class A extends B<{ x: 1 }> {\n  #m(x = 1) {\n  }\n}\n'), ['#m 2']);
  assert.deepEqual(
    names('class A {\n  static async *m(f: (x: number) => void): (y: 1) => void {\n  }\n}\n'),
    ['m 2'],
  );
  assert.deepEqual(names('const a = async (x) => {\n\n};\n'), ['=> 3']);
  assert.deepEqual(names('if (x) {\n} else {\n}\nfor (const { y } of z) {\n}\nswitch (x) {\n}\n'), []);
  assert.deepEqual(names('try {\n} catch (error) {\n} finally {\n}\nconst a = { b: {} };\n'), []);
  assert.deepEqual(names('function f(): A {\n}\nclass B {\n}\nfunction g(): { a: 1 } {\n}\n'), [
    'f 2',
    'g 2',
  ]);
  assert.deepEqual(names('interface A {\n  b: { c: 1 };\n}\n'), []);
});

test('each rule sees what it is for, and names file and line', () => {
  const at = (rule: (source: Source) => Violation[], text: string, path = 'src/core/sample.ts'): string =>
    rule(sample(`\n${text}\n`, path)).join('|');
  assert.match(
    at(layerViolations, "import { x } from '../ops/y.ts';"),
    /^src\/core\/sample\.ts:2: core must not import ops/,
  );
  assert.match(
    at(layerViolations, "import mysql from 'mysql2/promise';"),
    /mysql2\/promise is for mysql only/,
  );
  assert.match(at(layerViolations, "import { x } from './y';"), /does not end in \.ts/);
  assert.match(at(layerViolations, "import '../../test/x.ts';"), /leads out of the layers/);
  assert.match(
    at(layerViolations, "import { x } from './b.ts';", 'src/stages/a.ts'),
    /stages do not import each other/,
  );
  assert.equal(at(layerViolations, "import { x } from './a/b.ts';", 'src/stages/a.ts'), '');
  assert.equal(at(layerViolations, "import { x } from '../base/y.ts';"), '');
  assert.match(at(layerViolations, 'x();', 'src/other/a.ts'), /belongs to no layer/);
  assert.match(at(sizeViolations, '\n'.repeat(300)), /:1: 30\d lines in a file/);
  assert.match(at(sizeViolations, `const a = '${'ä'.repeat(140)}';`), /:2: 153 columns/);
  assert.match(at(sizeViolations, `function f() {${'\n'.repeat(70)}}`), /:2: 71 lines in f, at most 70/);
  assert.match(
    at(clockViolations, 'setTimeout(f, 1); a.setTimeout(1); Date.now();'),
    /:2: setTimeout.*\|.*:2: Date\.now/,
  );
  assert.equal(at(clockViolations, '// Date.now()'), '');
  assert.match(at(wordViolations, '// the shadow table'), /:2: "shadow table": our word is ghost table/);
  assert.match(at(wordViolations, 'const replicaOfMaster = 1;'), /our word is primary/);
  assert.equal(
    at(wordViolations, "if (allowOnMaster) q('SHOW SLAVE STATUS'); // log_slave_updates, SHOW MASTER STATUS"),
    '',
  );
  assert.match(at(wordViolations, '// FIXME'), /:2: FIXME/);
  assert.match(at(docstringViolations, 'export function f(): void {}'), /:2: function f is exported without/);
  assert.equal(
    at(docstringViolations, '/** Does. */\nexport class F {}\nexport type A = 1;\nexport { x };'),
    '',
  );
  assert.match(orphanViolations([sample('')], []).join(), /nothing imports this file/);
  assert.equal(importsOf(sample("// from './x.ts'\nconst a = \"from './y.ts'\";")).length, 0);
});
