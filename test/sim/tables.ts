/** The names of original and ghost, and of what comes and goes with the swap. */
export const tables = {
  original: { schema: 's', name: 't' },
  ghost: { schema: 's', name: '_t_gho' },
  old: { schema: 's', name: '_t_del' },
  sentry: { schema: 's', name: '_t_ghs' },
};

/** All that a migration makes, and the original. */
export const artifacts = {
  ...tables,
  changelog: { schema: 's', name: '_t_ghc' },
  checkpoint: { schema: 's', name: '_t_ghk' },
};
