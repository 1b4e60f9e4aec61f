import { type ErrorDetail, Refusal } from '../../base/errors.ts';

/** What the operator has allowed; names as on the command line. */
export interface RefusalOptions {
  readonly allowOnMaster: boolean;
  readonly discardForeignKeys: boolean;
  readonly skipForeignKeyChecks: boolean;
  readonly includeTriggers: boolean;
  readonly initiallyDropGhostTable: boolean;
  readonly initiallyDropOldTable: boolean;
  /** A checkpoint of ours and its ghost are then what we want to find. */
  readonly resume: boolean;
  readonly storageEngine: 'innodb' | 'rocksdb';
}

const UNTOUCHED = 'Nothing was touched.';

/** A Refusal with nothing touched. */
export function refusal(code: string, message: string, hint: string, detail: ErrorDetail = {}): Refusal {
  return new Refusal(code, `${message} ${UNTOUCHED}`, { hint, ...detail });
}
