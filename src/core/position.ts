/**
 * A place in the change stream between two transactions. Opaque to everybody but the stream that made it:
 * others hold it, order it by the order in which they got it, and give it back.
 */
export interface Position {
  /** Text from which the stream can start again, for checkpoints, logs and the `coordinates` command. */
  toString(): string;
}
