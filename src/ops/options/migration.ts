import { choice, flag, int, list, type OptionSpec, text } from './spec.ts';

/** What is to be changed, and what may be done about it. */
export const migrationOptions = {
  database: text('U', null, 'schema of the table (or named by a full ALTER TABLE in --alter)'),
  table: text('U', null, 'the table (or named by a full ALTER TABLE in --alter)'),
  alter: text(
    'U',
    null,
    'the change: what follows ALTER TABLE t, or the full statement; mandatory but for --revert',
    {
      commandLineOnly: true,
    },
  ),
  execute: flag(
    'U',
    'do it; otherwise validate, print the plan and the new CREATE TABLE, and leave nothing',
    {
      commandLineOnly: true,
    },
  ),
  resume: flag('U', 'go on where an earlier run of the same command stopped, from its last checkpoint'),
  revert: flag(
    'C',
    'swap a migration back that ran with --checkpoint: the old table gets what was written since; needs --old-table',
    { commandLineOnly: true },
  ),
  'old-table': text('C', null, 'name of the old table that --revert brings back, _t_del as a rule', {
    commandLineOnly: true,
  }),
  checkpoint: flag('U', 'keep the last checkpoint _t_ghk when all has ended well, for --revert'),
  'checkpoint-seconds': int(
    'C',
    10,
    [1, 3600, 'clamp'],
    'time between two checkpoints, seconds: what a crash costs at the most (gh-ost: 300)',
  ),
  'attempt-instant-ddl': flag(
    'U',
    'first let the server try the change itself, by ALGORITHM=INSTANT; where it cannot, the table is copied',
  ),
  'attempt-inplace-ddl': flag(
    'P',
    'first let the server try the change itself, in place, where it is known to change metadata only',
  ),
} satisfies Record<string, OptionSpec>;

/** What is allowed about columns and keys. */
export const schemaOptions = {
  'approve-renamed-columns': flag('U', 'the renames that --alter makes are meant as such'),
  'skip-renamed-columns': flag(
    'N',
    'take renamed columns for unrelated ones: their data is not carried over',
  ),
  'allow-nullable-unique-key': flag('N', 'the migration key may be nullable: no row may hold NULL in it'),
  'allow-lossy': list(
    'P',
    'columns whose values may be cut or changed where they do not fit, as an ALTER without strict mode would do; ' +
      'with --resume those of the run before, or more',
  ),
  'skip-strict-mode': flag(
    'C',
    'values may be cut or changed in all columns that --alter changes, as if --allow-lossy named them; ' +
      'never in the migration key',
  ),
  'allow-zero-in-date': flag(
    'C',
    "existing rows may get '0000-00-00' in a new column, whatever sql_mode says",
  ),
  'discard-foreign-keys': flag('C', 'the table may have foreign keys; the new one will have none'),
  'skip-foreign-key-checks': flag('N', 'do not look for foreign keys: there are none, you say'),
  'include-triggers': flag(
    'C',
    'the new table gets the triggers of the original, under new names, at the cut-over; needs --trigger-suffix',
  ),
  'trigger-suffix': text('C', null, 'what the names of the new triggers end in; needs --include-triggers'),
  'remove-trigger-suffix-if-exists': flag('C', 'a trigger whose name ends in the suffix loses it instead'),
  'storage-engine': choice('N', ['innodb', 'rocksdb'], 'storage engine of the table'),
} satisfies Record<string, OptionSpec>;

/** Names of our tables, and what becomes of them. */
export const artifactOptions = {
  'initially-drop-old-table': flag('U', 'drop an old table _t_del that is there at the start'),
  'initially-drop-ghost-table': flag('U', 'drop a ghost table _t_gho that is there at the start'),
  'ok-to-drop-table': flag('U', 'drop the old table at the end'),
  'timestamp-old-table': flag('C', 'name the old table _t_YYYYMMDDhhmmss_del'),
  'force-table-names': text('N', null, 'base name of our tables: _X_gho, _X_ghc, _X_del, _X_ghk'),
} satisfies Record<string, OptionSpec>;
