/** No more than this of a line is told. */
const maxChars = 120;

/**
 * How two definitions differ, for people: the first line that only one of them has, of each.
 * @param before as SHOW CREATE TABLE gives it.
 */
export function firstChange(before: string, now: string): string {
  return `then ${onlyIn(before, now)}, now ${onlyIn(now, before)}`;
}

function onlyIn(definition: string, other: string): string {
  const lines = (text: string): string[] => text.split('\n').map((line) => line.trim().replace(/,$/, ''));
  const known = new Set(lines(other));
  const line = lines(definition).find((each) => !known.has(each));
  if (line === undefined) return 'nothing more';
  return line.length > maxChars ? `${line.slice(0, maxChars)}...` : line;
}
