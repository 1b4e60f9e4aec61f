// The cut-over waits for the operator. A flag file that cannot be read is no permission, an unpostpone is for the file that it
// overruled, and what stands in the way is told in the order in which somebody can do something about it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { MigrationParts } from '../../src/migrator/config.ts';
import type { DataPath } from '../../src/migrator/data-path.ts';
import { Readiness } from '../../src/migrator/readiness.ts';

describe('readiness for the cut-over', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'poltergeist-ready-'));
    writeFileSync(join(folder, 'a'), '');
    writeFileSync(join(folder, 'b'), '');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const path = (streamLagMs = 0, size = 0): DataPath =>
    ({ changes: { size }, heartbeat: { streamLagMs }, verification: null }) as unknown as DataPath;
  const make = (file: string | null) => {
    const settings = { postponeFlagFile: file, maxLagMs: 1500 };
    const config = { cutOver: { lockTimeoutSeconds: 3 } };
    return { settings, readiness: new Readiness({ settings, config } as unknown as MigrationParts) };
  };

  it('is there when nothing is in the way', async () => {
    assert.equal(await make(null).readiness.obstacle(path(), null), null);
    assert.equal(await make(join(folder, 'none')).readiness.obstacle(path(), null), null);
  });

  it('tells the postponement before everything else, then the throttle, the backlog and the lag', async () => {
    const { readiness } = make(join(folder, 'a'));
    assert.equal(await readiness.obstacle(path(9000, 9000), 'commanded by user'), 'postponed');
    assert.ok(readiness.postponing);
    assert.ok(readiness.unpostpone());
    assert.match(String(await readiness.obstacle(path(9000, 9000), 'commanded by user')), /^throttled: /);
    assert.match(String(await readiness.obstacle(path(9000, 9000), null)), /9000 keys are waiting/);
    assert.match(String(await readiness.obstacle(path(9000), null)), /9000 ms behind/);
    assert.equal(await readiness.obstacle(path(), null), null);
  });

  it('has nothing to unpostpone unless it is postponing', async () => {
    const { readiness } = make(join(folder, 'a'));
    assert.equal(readiness.unpostpone(), false);
    assert.equal(await readiness.obstacle(path(), null), 'postponed');
  });

  it('keeps an unpostpone in force although the file stays, but not for a file that is named later', async () => {
    const { readiness, settings } = make(join(folder, 'a'));
    await readiness.obstacle(path(), null);
    readiness.unpostpone();
    assert.equal(await readiness.obstacle(path(), null), null);
    assert.equal(await readiness.obstacle(path(), null), null);
    settings.postponeFlagFile = join(folder, 'b');
    assert.equal(await readiness.obstacle(path(), null), 'postponed');
  });

  it('is put off by a flag file that cannot be looked at', async () => {
    const { readiness } = make(join(folder, 'x'.repeat(300)));
    assert.match(String(await readiness.obstacle(path(), null)), /cannot be looked at/);
    assert.ok(readiness.postponing);
  });
});
