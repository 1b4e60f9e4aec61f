import { type Mutant, one } from './mutant.ts';

const cutover = 'src/stages/cutover.ts';
const late = 'src/migrator/late-writes.ts';
const intake = 'src/migrator/intake.ts';
const swap = 'test/sim/swap.ts';
const lateRows = 'test/sim/late-rows.ts';
const inUnit = 'test/unit/cutover.test.ts';

/** Many late writes, and an application that is at it at once in the new table. */
const lateAndBusy = {
  ...{
    keys: 8,
    kind: 'integer',
    uniqueness: 'none',
    collide: false,
    capacity: 1000,
    damage: null,
    dieAt: null,
  },
  ...{ leaks: 3, more: [15, 30], followsNew: true, triggers: false, failure: 0, crashAfter: null },
  weights: { write: 0.5, show: 3, deliver: 1, reconnect: 0, gate: 0, ring: 0.1, goOn: 0.3, come: 0, go: 0.1 },
};

/** The process dies right before the RENAME comes to pass. */
const lateAndDead = { ...lateAndBusy, dieAt: 'unlocked' };

/** The stream is ahead of us, and the process dies a while after the swap. */
const lateAndLater = {
  ...{ ...lateAndBusy, crashAfter: 400, hurriesMs: [], transactions: 5, capacity: 1000, keys: 5 },
  weights: { ...lateAndBusy.weights, show: 0.5, deliver: 5 },
};

/** The stream is behind when the tables are swapped. */
const lateAndSlow = { ...lateAndBusy, weights: { ...lateAndBusy.weights, show: 0.3, deliver: 0.1, goOn: 2 } };

/** Attempts whose sessions and answers are lost, while the writers go on. */
const lostAndBusy = {
  ...{ keys: 6, kind: 'integer', uniqueness: 'none', collide: false, capacity: 1000, damage: null },
  ...{
    dieAt: null,
    crashAfter: null,
    failoverAfter: null,
    alterAfter: null,
    transactions: 10,
    more: [40, 5],
  },
  ...{ triggers: true, failure: 0.1, strikes: 2, leaks: 3, heartbeatMs: 5 },
  weights: { write: 1, show: 3, deliver: 3, reconnect: 0, gate: 0, ring: 0.3, goOn: 0.5, come: 0, go: 0.1 },
};

/** One attempt, from the look for old transactions to the answer of the RENAME (I7). */
export const attempts: readonly Mutant[] = [
  {
    name: 'no drain under the lock',
    breaks: 'I6, I7',
    caughtBy: 'sim',
    edits: [
      { file: cutover, from: 'await applier.drain(signal);', to: 'void applier;' },
      { file: cutover, from: 'if (!changes.empty) throw', to: 'if (changes.size < 0) throw' },
    ],
  },
  one(
    'the drain mark is not waited for',
    'I6, I7',
    cutover,
    'await visibility.pass(this.#options.lockTimeoutMs, signal);',
    'await visibility.mark();',
  ),
  one(
    'a change after the drain mark is let go',
    'I7',
    cutover,
    'if (!changes.empty) throw',
    'if (changes.size < 0) throw',
    inUnit,
  ),
  one(
    'the sentry goes before the RENAME waits for it',
    'I7',
    cutover,
    "const seen = await this.#see(['original', 'sentry'], renaming, signal);",
    "const seen = 'sentry';",
    inUnit,
  ),
  one(
    'the unlock comes before the RENAME waits for the original',
    'I7',
    cutover,
    "if (seen === 'sentry') await this.#see(['original'], renaming, signal);",
    '',
    'sim @109',
  ),
  {
    name: 'a wait for the ghost counts as one for the original',
    breaks: 'I7, HAZARDS 108',
    caughtBy: 'sim @422',
    edits: [
      {
        file: swap,
        from: "if (locks.isHeldByOthers([lock, rename], 'ghost')) return 'others';",
        to: '',
      },
      { file: swap, from: "if (waits !== 'original' || locks", to: 'if (locks' },
    ],
  },
  one(
    'others are locked out for ever',
    'DESIGN 5',
    cutover,
    'await port.close();',
    'await port.recheck(signal);',
  ),
  one(
    'the RENAME goes on after a step back',
    'I7',
    swap,
    '    this.#end(rename);\n    await this.#renaming.catch(() => undefined);',
    '',
    `sim ${JSON.stringify(lostAndBusy)}`,
  ),
  one('nobody steps back', 'DESIGN 5', cutover, 'await port.stepBack();', 'await Promise.resolve();', inUnit),
  one(
    'a lost answer means that nothing has happened',
    'DESIGN 5',
    cutover,
    'const outcome = await this.#parts.port.outcome().catch((trouble: unknown) => toError(trouble));',
    "const outcome = 'unchanged' as SwapOutcome | Error;",
    `sim ${JSON.stringify(lostAndBusy)}`,
  ),
  one(
    'a lost answer means that the tables are swapped',
    'DESIGN 5',
    cutover,
    'const outcome = await this.#parts.port.outcome().catch((trouble: unknown) => toError(trouble));',
    "const outcome = 'swapped' as SwapOutcome | Error;",
  ),
  one(
    'what is unclear counts as unchanged',
    'DESIGN 5',
    cutover,
    "if (outcome === 'unchanged') {",
    'if (outcome) {',
    inUnit,
  ),
  one(
    'the applier goes on where nobody knows which table is which',
    'I7, DESIGN 5',
    cutover,
    '    this.#parts.retire();\n    throw new Ambiguous',
    '    throw new Ambiguous',
    `sim @6762 ${JSON.stringify(lostAndBusy)}`,
  ),
  one(
    'triggers stay on the ghost',
    'I6',
    cutover,
    '      await this.#undress();\n',
    '',
    `sim @178 ${JSON.stringify(lostAndBusy)}`,
  ),
  one('the applier goes on after the swap', 'I7', cutover, '    onSwapped();', ''),
  one(
    'a comparison runs beside the swap',
    'DESIGN 5',
    cutover,
    'await turnstile.exclusive(() => this.#swap(idsMissing, limit.signal), limit.signal);',
    'await this.#swap(idsMissing, limit.signal);',
    'sim @27',
  ),
  one('old transactions are not looked for', 'DESIGN 5', cutover, 'await this.#look(signal);', '', inUnit),
  one(
    'keys that wait are not compared under the lock',
    'I6',
    cutover,
    'await this.#parts.compare?.(signal);',
    '',
    `sim @35 ${JSON.stringify({ damage: 2, spoils: 2, collide: false, capacity: 1000, keys: 5, more: [15, 5], verifyWorkers: 1 })}`,
  ),
];

/** Another server, other people's DDL (I10). */
export const world: readonly Mutant[] = [
  one(
    'a run is resumed on another server',
    'I8, I10',
    'src/migrator/resume.ts',
    'if (task.server !== facts.uuid || task.flavor !== facts.flavor) {',
    'if (task.flavor !== facts.flavor) {',
    `sim ${JSON.stringify({ failoverAfter: 50, crashAfter: 60, damage: null, dieAt: null })}`,
  ),
  one(
    'another server is read on from',
    'I10',
    'test/sim/stream.ts',
    'if (this.#server.uuid !== this.#uuid) {',
    'if (this.#uuid === null) {',
  ),
  one(
    'DDL of others counts as ours',
    'I10',
    intake,
    'if (this.#ours.has(notice.threadId) ||',
    'if (notice.threadId > 0 ||',
    `sim ${JSON.stringify({ alterAfter: 50, crashAfter: null, failoverAfter: null, damage: null, dieAt: null })}`,
  ),
];

/** After the swap: the checkpoint's record, the stream up to the RENAME, and what came in between (I7). */
export const settling: readonly Mutant[] = [
  one(
    'late writes count as looked for where nobody says so',
    'I7, HAZARDS 108',
    'src/core/checkpoint.ts',
    'settled: raw.settled === true,',
    'settled: raw.settled !== false,',
    'test/unit/checkpoint.test.ts',
  ),
  one(
    'late writes are not looked at',
    'I7',
    late,
    'const batch = changes.take(batchKeys, heartbeat.visible, heartbeat.visible);',
    'const batch = null as ReturnType<typeof changes.take>;',
  ),
  one(
    'the stream is not read up to the RENAME',
    'I7',
    late,
    'await waitForSwap(path, signal);',
    '',
    `sim @39 ${JSON.stringify(lateAndSlow)}`,
  ),
  one(
    'a late write goes over a newer row',
    'I7',
    late,
    '(comparable ? intake.touchedSince.has(key) : intake.touchedSince.size > 0)',
    '(comparable && key === null)',
    'sim @36',
  ),
  one(
    'what the stream has not brought is not newer',
    'I7',
    late,
    'return !keys.some((key) => this.#isNewer(key));',
    'return keys.length > 0;',
    'sim @523',
  ),
  one(
    'keys of a collation are told apart',
    'I4, I7',
    late,
    '(comparable ? intake.touchedSince.has(key) : intake.touchedSince.size > 0)',
    '(comparable || intake.touchedSince.has(key)) && intake.touchedSince.has(key)',
    `sim ${JSON.stringify({ ...lateAndBusy, kind: 'collated', sessions: 1 })}`,
  ),
  {
    name: 'the new rows are asked about before they are locked',
    breaks: 'I7',
    caughtBy: `sim @64 ${JSON.stringify(lateAndBusy)}`,
    edits: [
      { file: lateRows, from: '      if (!(await mayStay())) return false;\n', to: '' },
      {
        file: lateRows,
        from: '      await this.#dawdle(signal);\n',
        to: '      if (!(await mayStay())) return false;\n      await this.#dawdle(signal);\n',
      },
    ],
  },
  one(
    'a late write that collides is passed over',
    'I7',
    late,
    'if (batch.length === 1) return this.#leave(',
    'if (batch.length === 1) return void (',
    'sim @963',
  ),
  one('a key that is left is not told', 'I7', late, 'this.#left.push(this.#words(key));', '', 'sim @36'),
  one(
    'late writes that are left end well',
    'I7, HAZARDS 108',
    late,
    'if (keys.length === 0) return;',
    'if (keys.length >= 0) return;',
    'sim @36',
  ),
  one(
    'late writes that fill the set stop the stream',
    'I7',
    late,
    'intake.unbind();',
    '',
    `sim ${JSON.stringify({ ...lateAndSlow, capacity: 2 })}`,
  ),
  one('the RENAME in the stream means nothing', 'I7', intake, 'this.#onSwapSeen();', ''),
  one(
    'the RENAME of a dead run is taken for that of a stranger',
    'I7, I8',
    'src/migrator/resume-replay.ts',
    'return !this.#over && this.#swap.some(',
    'return this.#over && this.#swap.some(',
    `sim ${JSON.stringify(lateAndDead)}`,
  ),
  one(
    'what came before the drain of a dead run counts as late',
    'I7, I8',
    'test/sim/world.ts',
    'else if (this.#refused() || !checkpoint.drained)',
    'else if (this.#refused())',
    `sim @69 ${JSON.stringify({ ...lateAndDead, failure: 0.1 })}`,
  ),
  one(
    'late writes of a dead run that nobody has carried over count as looked for',
    'I7, I8',
    'test/sim/migration.ts',
    '(this.#intake.swapSeen && this.changes.empty)',
    'this.#intake.swapSeen',
    `sim @23 ${JSON.stringify(lateAndLater)}`,
  ),
];
