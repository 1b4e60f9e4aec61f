import { UsageError } from '../base/errors.ts';

/**
 * The share of the table that `--verify` asks for, in percent.
 * @throws UsageError when it says anything else than full, off, or sample:<percent>.
 */
export function verifyPercent(text: string): number {
  if (text === 'full') return 100;
  if (text === 'off') return 0;
  const percent = Number(/^sample:(\d+(?:\.\d+)?)$/.exec(text)?.[1] ?? 0);
  if (percent > 0 && percent <= 100) return percent;
  throw new UsageError(`--verify=${text} is not full, sample:<percent> or off`, {
    hint: 'For example --verify=sample:10 compares every tenth chunk. The default, full, compares every row.',
  });
}
