import type { StopTimes } from './histogram.ts';

/** What a run of the demonstration has measured; the line that `--json` prints. Times are in milliseconds. */
export interface DemoReport {
  readonly server: string;
  readonly fixture: string;
  /** Rows at the start. */
  readonly rows: number;
  /** From the start of the command to its end. */
  readonly seconds: number;
  readonly rowsPerSecond: number;
  /** Changes of others that the command has taken over. */
  readonly changes: number;
  /** Row changes that the server acknowledged to the writers. */
  readonly writes: number;
  readonly lost: number;
  readonly phantom: number;
  readonly differing: number;
  readonly writerStopMs: StopTimes;
  readonly readerStopMs: StopTimes;
}

/** The report for a person. */
export function describeReport(report: DemoReport, examples: readonly string[]): string {
  const count = (value: number): string => value.toLocaleString('en-US');
  const stops = (who: string, { p50, p99, max }: StopTimes): string =>
    line(`longest stop, ${who}`, `${max} ms`, `99 % within ${p99} ms, half within ${p50} ms`);
  const verdict = report.lost + report.phantom + report.differing === 0;
  return [
    '',
    line('server', report.server),
    line('table', report.fixture, `${count(report.rows)} rows`),
    line('time', `${report.seconds} s`, `${count(report.rowsPerSecond)} rows a second`),
    line('changes applied', count(report.changes), `of ${count(report.writes)} acknowledged writes`),
    stops('writers', report.writerStopMs),
    stops('readers', report.readerStopMs),
    line('lost rows', count(report.lost)),
    line('phantom rows', count(report.phantom)),
    line('differing rows', count(report.differing)),
    '',
    verdict ? 'Every acknowledged write is in the table.' : 'The table is NOT what was acknowledged:',
    ...examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

function line(title: string, value: string, remark = ''): string {
  return `  ${title.padEnd(22)} ${value.padStart(12)}  ${remark}`.trimEnd();
}
