/** The one gate before copier, applier and verifier. */
export interface Gate {
  /** Why it is shut, in the form `<signal> <observed> <op> <threshold>`; null while it is open. */
  readonly reason: string | null;
  /** Resolves at once while the gate is open, else when it opens. @throws the signal's reason. */
  pass(signal: AbortSignal): Promise<void>;
}
