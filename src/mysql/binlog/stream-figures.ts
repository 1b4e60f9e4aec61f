import type { Position } from '../../core/position.ts';
import type { StreamStats } from '../../core/stream.ts';

/** The figures of a stream, as its parts count them. */
export class StreamFigures implements StreamStats {
  connected = false;
  paused = false;
  bytes = 0;
  events = 0;
  transactions = 0;
  rows = 0;
  reconnects = 0;
  lastPacketMs = 0;
  position: Position | null = null;
  growth = 0;

  grow(by: 1 | -1): void {
    this.growth += by;
  }
}
