// A few migrations of the soak, with seeds that bring a kill, a resume and broken connections; the figures of long runs
// come from `npm run soak`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Flavor } from '../lab/lab.ts';
import { runningServerUrl } from '../lab/running-server.ts';
import { soak } from './series.ts';

const SEEDS: Readonly<Record<Flavor, number>> = { mysql: 61, mariadb: 61 };

for (const flavor of ['mysql', 'mariadb'] as const) {
  test(`migrations under faults lose nothing, ${flavor}`, {
    // Servers that somebody else runs are not killed.
    skip: runningServerUrl(flavor) !== undefined,
  }, async (t) => {
    const said: string[] = [];
    const spec = { migrations: 2, seed: SEEDS[flavor], flavors: [flavor] };
    const { report, failures } = await soak(
      spec,
      (text) => t.diagnostic(text.slice(0, 300)),
      (text) => said.push(text),
    );
    assert.equal(failures.length, 0, said.join('\n'));
    assert.equal(report.lost + report.phantom + report.differing, 0);
  });
}
