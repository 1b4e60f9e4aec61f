import { after, before, describe, test } from 'node:test';
import { type Flavor, type Lab, startLab } from '../lab/lab.ts';
import { readCases } from './case-files.ts';
import { runCase } from './case-run.ts';

/** They wait for the server's events most of the time. */
const atOnce = 4;

/** A test for each case folder that is for this flavor; `CASES=text` takes those with the text in their names. */
export function testCases(flavor: Flavor): void {
  const wanted = readCases().filter(
    (each) => (each.flavor ?? flavor) === flavor && each.name.includes(process.env.CASES ?? ''),
  );
  describe(`cases on ${flavor}`, { concurrency: atOnce }, () => {
    let lab: Lab;
    before(async () => {
      lab = await startLab({ flavor, fast: true, options: { event_scheduler: true } });
    });
    after(() => lab?.stop());
    for (const spec of wanted) test(spec.name, () => runCase(lab.primary, spec));
  });
}
