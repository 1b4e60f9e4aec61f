import type { Key } from '../../core/key.ts';

/** Who gets the touched keys: the sink, or the store of a prepared XA transaction. */
export interface TouchTarget {
  touched(role: string, key: Key, deleted: boolean): void;
}
