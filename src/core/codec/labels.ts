/** The labels of an ENUM or SET, as written between the quotes of its type. */
export function labelsOf(columnType: string): string[] {
  const list = columnType.slice(columnType.indexOf('(') + 1);
  return Array.from(list.matchAll(/'((?:[^']|'')*)'/g), ([, label]) =>
    (label as string).replaceAll("''", "'"),
  );
}
