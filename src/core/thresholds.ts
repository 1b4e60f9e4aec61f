/** Names of status variables and the value from which each counts, in the order of their names. */
export type Thresholds = ReadonlyMap<string, number>;

/** `Threads_running=25,Threads_connected=500`, as options and commands spell it; empty for none. */
export function formatThresholds(thresholds: Thresholds): string {
  return [...thresholds].map(([name, value]) => `${name}=${value}`).join(',');
}

/** Reads what `formatThresholds` writes; of a name that is given twice the last one counts. @returns null when it is none. */
export function parseThresholds(text: string): Thresholds | null {
  const found = new Map<string, number>();
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const [, name, value] = /^([A-Za-z][\w.]*)\s*=\s*(\d{1,15})$/.exec(part) ?? [];
    if (name === undefined) return null;
    found.set(name, Number(value));
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
