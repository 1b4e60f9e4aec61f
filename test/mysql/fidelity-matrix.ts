// The whole matrix, on one server.
import { after, before, describe, test } from 'node:test';
import { type Flavor, type Lab, startLab } from '../lab/lab.ts';
import { columnCases } from './fidelity-columns.ts';
import { keyCases } from './fidelity-keys.ts';
import { labelCases } from './fidelity-labels.ts';
import { lossyCases } from './fidelity-lossy.ts';
import { numberCases } from './fidelity-numbers.ts';
import { runCase } from './fidelity-run.ts';
import { structureCases } from './fidelity-structure.ts';
import { temporalCases } from './fidelity-temporal.ts';
import { textCases } from './fidelity-text.ts';

const cases = [
  ...[...numberCases, ...textCases, ...labelCases, ...temporalCases],
  ...[...columnCases, ...lossyCases],
  // Where keys matter they are built after the copy, as those of larger tables are; in the other cases row by row.
  ...[...structureCases, ...keyCases].map((each) => ({
    ...each,
    options: [...(each.options ?? []), '--defer-indexes', 'always'],
  })),
];

/**
 * Registers every case of a flavor; only those whose name has the text of the variable FIDELITY in it, where
 * it is set.
 */
export function testFidelity(flavor: Flavor): void {
  // The server takes it for SYSTEM: a zone with summer time, hours away from UTC.
  process.env.TZ = 'America/New_York';
  const only = process.env.FIDELITY ?? '';
  describe(`as the server's own ALTER, ${flavor}`, { concurrency: 3 }, () => {
    let lab: Lab;
    before(async () => {
      lab = await startLab({ flavor, fast: true, options: { max_allowed_packet: '64M' } });
    });
    after(() => lab?.stop());
    for (const [i, each] of cases.entries()) {
      const here = each.flavors === undefined || each.flavors.includes(flavor);
      if (here && each.name.includes(only))
        test(each.name, () => runCase(lab.primary, each, `fidelity_${i}`));
    }
  });
}
