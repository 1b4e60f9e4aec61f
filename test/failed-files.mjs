/** A reporter for node:test that writes the path of each file with a failed test, a line each. */
export default async function* failedFiles(source) {
  const failed = new Set();
  for await (const { type, data } of source) {
    if (type !== 'test:fail' || data.file === undefined || failed.has(data.file)) continue;
    // A test that is only to be done does not fail its file.
    if (data.todo !== undefined) continue;
    failed.add(data.file);
    yield `${data.file}\n`;
  }
}
