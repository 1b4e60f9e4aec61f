// What a migration makes of a table is what the server's own ALTER would have made of it, value for value, live changes
// included; and where the server would fail, ours fails before the swap and names the row. See fidelity-run.ts.
import { after, before, describe, test } from 'node:test';
import { type Flavor, type Lab, startLab } from '../lab/lab.ts';
import { keyCases, lossyCases } from './fidelity-keys.ts';
import { labelCases } from './fidelity-labels.ts';
import { numberCases } from './fidelity-numbers.ts';
import { runCase } from './fidelity-run.ts';
import { structureCases } from './fidelity-structure.ts';
import { temporalCases } from './fidelity-temporal.ts';
import { textCases } from './fidelity-text.ts';

// The servers take it for SYSTEM: a zone with summer time, half a world away from UTC.
process.env.TZ = 'America/New_York';

const cases = [
  ...[...numberCases, ...textCases, ...labelCases, ...temporalCases],
  ...[...structureCases, ...keyCases, ...lossyCases],
];
const only = process.env.FIDELITY;

for (const flavor of ['mysql', 'mariadb'] as Flavor[]) {
  describe(`as the server's own ALTER, ${flavor}`, { concurrency: 3 }, () => {
    let lab: Lab;
    before(async () => {
      lab = await startLab({ flavor, fast: true, options: { max_allowed_packet: '64M' } });
    });
    after(() => lab?.stop());

    for (const [i, each] of cases.entries()) {
      if (each.flavors !== undefined && !each.flavors.includes(flavor)) continue;
      if (only !== undefined && !each.name.includes(only)) continue;
      test(each.name, () => runCase(lab.primary, each, `fidelity_${i}`));
    }
  });
}
