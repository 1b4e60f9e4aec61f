// Programs that read the status are written by its page: a field that is missing there, or not sent any more, breaks them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { phases } from '../../src/core/phase.ts';
import { statusFields, statusJson } from '../../src/ops/status-json.ts';
import { snapshotOf } from './status-snapshot.ts';

const page = readFileSync(new URL('../../docs/status-json.md', import.meta.url), 'utf8');
const facts = { exists: (path: string) => path === '/b', additionalFlagFile: '/b' };

test('docs/status-json.md has the fields that are sent, each once', () => {
  const told = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(told.sort(), Object.keys(statusFields(snapshotOf(), facts)).sort());
});

test('it names every phase', () => {
  for (const phase of phases) assert.ok(page.includes(`\`${phase}\``), phase);
});

test('nothing is lost on the way into JSON', () => {
  const snapshot = snapshotOf({ throttleFlagFile: '/a', maxLoad: new Map([['x', 1]]) });
  const sent = JSON.parse(statusJson(snapshot, facts)) as Record<string, unknown>;
  assert.deepEqual(sent, statusFields(snapshot, facts));
  assert.deepEqual([sent.maxLoad, sent.flagFilesSet], [{ x: 1 }, ['/b']]);
  for (const [name, value] of Object.entries(sent)) assert.notEqual(value, undefined, name);
});

test('remaining time: null is not known, 0 is due', () => {
  const etaMs = (...changes: Parameters<typeof snapshotOf>) =>
    statusFields(snapshotOf(...changes), facts).etaMs;
  assert.equal(etaMs({ etaMs: null }), null);
  assert.equal(etaMs({ etaMs: 5000 }), 5000);
  assert.equal(etaMs({ postponing: true }), 0);
});
