/** What a stage passes before each piece of its work. */
export interface Gate {
  /** Why it is shut, in the form `<signal> <observed> <op> <threshold>`; null while it is open. */
  readonly reason: string | null;
  /** Resolves at once while the gate is open, else when it opens. @throws the signal's reason. */
  pass(signal: AbortSignal): Promise<void>;
}

/**
 * The gates of a migration: the applier passes this one; copier and verifier pass `bulk`, which is shut whenever this one is, and
 * besides while our own change stream is behind: that can be caught up only while changes are applied.
 */
export interface Gates extends Gate {
  readonly bulk: Gate;
}
