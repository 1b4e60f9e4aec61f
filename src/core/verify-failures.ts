import { Failure, Transient } from '../base/errors.ts';

/** A row that had been repaired differs again. @param row its key, for people. */
export function differsAgain(row: string, columns: readonly string[]): Failure {
  return new Failure(`row ${row} differs from the original again (${columns.join(', ')})`, {
    hint:
      'It had been repaired. The original table is untouched. Writes with sql_log_bin=0 cannot be ' +
      'followed; if there are none, this is a defect of poltergeist.',
  });
}

/** Rows differ although nobody can write. */
export function differUnderLock(rows: number): Transient {
  return new Transient(`${rows} rows of the ghost differ from the original under the lock`, {
    hint: 'The tables are not swapped. The rows are looked at again and repaired.',
  });
}

/** More rows differ than could be a mishap. */
export function tooManyDiffer(found: number): Failure {
  return new Failure(`more than ${found} rows of the ghost differ from the original`, {
    hint:
      'The original table is untouched. See the log for the first of them. Does somebody write with ' +
      'sql_log_bin=0, or to the ghost?',
  });
}

/** Each pass has found something to repair. */
export function neverClean(passes: number): Failure {
  return new Failure(`rows of the ghost still differ from the original after ${passes} passes`, {
    hint: 'The original table is untouched. Does somebody write with sql_log_bin=0, or to the ghost?',
  });
}
