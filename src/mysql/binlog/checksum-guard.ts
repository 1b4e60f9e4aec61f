import { Failure, Transient } from '../../base/errors.ts';
import { hasValidChecksum } from './checksum.ts';
import { CHECKSUM_BYTES, EventType, isArtificial } from './event-type.ts';

/** Algorithms of binlog_checksum. */
const NONE = 0;
const CRC32 = 1;

/**
 * Verifies the checksums of one connection's events. Whether there are any is told by the FORMAT_DESCRIPTION at the begin
 * of each file, and can differ from file to file; before the first one an event is judged by itself.
 */
export class ChecksumGuard {
  #present: boolean | null = null;

  /**
   * The end of the event at `bytes[start..end)` without its checksum.
   * @throws Transient when the event was damaged; Failure for an unknown algorithm.
   */
  bodyEnd(type: number, bytes: Buffer, start: number, end: number): number {
    if (type === EventType.FormatDescription) {
      // The algorithm is the last byte before the checksum, which this event always has room for.
      const algorithm = bytes[end - CHECKSUM_BYTES - 1]!;
      if (algorithm !== NONE && algorithm !== CRC32) {
        throw new Failure(`the binlog has checksums of an unknown kind (${algorithm})`);
      }
      this.#present = algorithm === CRC32;
      if (this.#present && !hasValidChecksum(bytes, start, end)) throw damaged();
      return end - CHECKSUM_BYTES;
    }
    // Made-up events follow the connection's algorithm, not the file's: see by itself.
    if (this.#present === null || (type === EventType.Rotate && isArtificial(bytes, start))) {
      return hasValidChecksum(bytes, start, end) ? end - CHECKSUM_BYTES : end;
    }
    if (!this.#present) return end;
    if (!hasValidChecksum(bytes, start, end)) throw damaged();
    return end - CHECKSUM_BYTES;
  }
}

function damaged(): Transient {
  return new Transient('a binlog event was damaged on the way: its checksum is wrong', {
    hint: 'The network, or the binlog file itself. mysqlbinlog --verify-binlog-checksum tests the file.',
  });
}
