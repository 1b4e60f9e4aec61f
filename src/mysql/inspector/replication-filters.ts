import type { ReplicationFilter } from '../replication-status.ts';

/**
 * Those of a replica's filters that may keep changes of a schema's tables from it, or bring them under another name.
 * @param schema of the table and of our own tables.
 */
export function filtersOn(filters: readonly ReplicationFilter[], schema: string): ReplicationFilter[] {
  const wanted = schema.toLowerCase();
  return filters.filter(({ name, text }) => {
    const entries = text.toLowerCase().split(/\s*,\s*/);
    switch (name) {
      case 'Replicate_Do_DB':
        return !entries.includes(wanted);
      case 'Replicate_Ignore_DB':
        return entries.includes(wanted);
      case 'Replicate_Ignore_Table':
        return entries.some((entry) => entry.startsWith(`${wanted}.`));
      case 'Replicate_Wild_Ignore_Table':
        return entries.some((entry) => isLike(wanted, schemaOf(entry)));
      case 'Replicate_Wild_Do_Table':
        return !entries.some((entry) => entry.endsWith('.%') && isLike(wanted, schemaOf(entry)));
      case 'Replicate_Rewrite_DB':
        return entries.some((entry) => entry.replace(/[()\s]|->.*/g, '') === wanted);
      default:
        // Tables by name: ours are not among them.
        return true;
    }
  });
}

function schemaOf(pattern: string): string {
  return pattern.slice(0, pattern.lastIndexOf('.'));
}

/** LIKE, with its backslash. */
function isLike(value: string, pattern: string): boolean {
  const source = pattern.replace(/\\(.)|([%_])|[.*+?^${}()|[\]]/gs, (all, escaped: string, wild: string) => {
    if (wild === '%') return '.*';
    if (wild === '_') return '.';
    return `\\${escaped ?? all}`.replace(/^\\(\w)$/, '$1');
  });
  return new RegExp(`^${source}$`, 's').test(value);
}
