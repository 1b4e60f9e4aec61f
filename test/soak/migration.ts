import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/base/errors.ts';
import { type Lab, waitForReplica } from '../lab/lab.ts';
import { Ledger, type LedgerResult, type Load } from '../lab/ledger.ts';
import { ACCOUNT, Command, type Features, type Start } from './command.ts';
import { diagnose, keepEvidence } from './diagnosis.ts';
import { Injector } from './injector.ts';
import { DATABASE, type SoakPlan } from './plan.ts';
import { Timetable } from './timetable.ts';
import { Witness } from './witness.ts';

/** What one migration has come to. */
export interface MigrationResult {
  completed: boolean;
  /** Runs that went on after the end of one by a signal. */
  resumed: number;
  /** Runs that gave up, rightly. */
  refused: number;
  faults: number;
  writes: number;
  lost: number;
  phantom: number;
  differing: number;
  seconds: number;
  /** What should not have been, in words. */
  readonly problems: string[];
  readonly ledger: Ledger | null;
}

const DEADLINE_MS = 120_000;
/** Keys a batch, where the command says that its batches are too small. */
const HEEDED_BATCH = 1000;
const LOAD_STOP_MS = 30_000;
const REPLICA_WAIT_MS = 60_000;
const ATTEMPTS_MAX = 12;
/** What takes longer than this has waited for something. */
const SLOW_SECONDS = 40;
/** Writers go on for this long after the end of the command. */
const AFTER_MS = 300;
/** Sessions of a killed command end when the server notices that its sockets are gone. */
const FUNERAL_MS = 300;

/** Runs one migration with its load and faults, and finds out what became of every write. */
export async function soakMigration(
  plan: SoakPlan,
  lab: Lab,
  features: Features,
  say: (text: string) => void,
): Promise<MigrationResult> {
  const soak = new SoakMigration(plan, lab, features, say);
  return await soak.run();
}

/**
 * The story of one migration: prepared -> attempts (fresh, then resumed after each signal) -> completed | given up
 * by itself (the original is compared, then a plain run without faults) | hung (diagnosed, ended) -> compared.
 */
class SoakMigration {
  readonly #plan: SoakPlan;
  readonly #lab: Lab;
  readonly #features: Features;
  readonly #say: (text: string) => void;
  readonly #result: MigrationResult;
  readonly #witness: Witness;
  #command: Command | undefined;
  #ledger: Ledger | undefined;
  #load: Load | undefined;
  #timetable: Timetable | undefined;
  #restartMs: number | null = null;
  /** A run that is to be ended by SIGTERM may end in its own words. */
  #over = false;

  constructor(plan: SoakPlan, lab: Lab, features: Features, say: (text: string) => void) {
    this.#plan = plan;
    this.#lab = lab;
    this.#features = features;
    this.#say = say;
    this.#witness = new Witness(lab.primary, plan);
    const counts = {
      resumed: 0,
      refused: 0,
      faults: 0,
      writes: 0,
      lost: 0,
      phantom: 0,
      differing: 0,
      seconds: 0,
    };
    this.#result = { completed: false, ...counts, problems: [], ledger: null };
  }

  async run(): Promise<MigrationResult> {
    const { seed, load } = this.#plan;
    await this.#witness.prepare();
    this.#ledger = await Ledger.open(this.#lab.primary, this.#plan.subject.ledgerTable, {
      seed,
      sampleRows: 4000,
    });
    this.#load = this.#ledger.start({ ...load, readers: 1, readerPauseMs: 10 });
    const command = await Command.open(this.#plan, this.#lab, this.#features, (line) => {
      this.#timetable?.line(line);
      this.#heed(line);
    });
    this.#command = command;
    const injector = this.#makeInjector(command);
    this.#timetable = new Timetable(this.#plan.faults, (fault) => injector.inject(fault), this.#say);
    const startedMs = performance.now();
    try {
      await this.#untilDeadline(command);
      this.#result.seconds = Math.round((performance.now() - startedMs) / 100) / 10;
      await this.#timetable.end();
      await injector.cleanUp();
      await sleep(AFTER_MS);
      await this.#judge();
    } catch (error) {
      this.#problem(`the soak itself failed: ${messageOf(error)}`);
    } finally {
      this.#over = true;
      await this.#timetable.end();
      await command.close();
      await this.#load?.stop().catch(() => undefined);
    }
    this.#result.faults = this.#timetable.happened;
    if (this.#result.seconds > SLOW_SECONDS) this.#say(`slow; see ${this.#keep(command)}`);
    if (this.#result.problems.length > 0)
      this.#say(`last lines:\n  ${command.lines.slice(-120).join('\n  ')}`);
    return { ...this.#result, writes: this.#ledger.tally.writes, ledger: this.#ledger };
  }

  /** An operator does what he is told to do. A run that is resumed starts with the plan's options again, and may tell it again. */
  #heed(line: string): void {
    // It mends what went wrong before it: that it had to is the defect.
    if (line.includes('no change explains it')) this.#problem(`the verifier had to repair: ${line}`);
    if (!line.includes('the backlog grows') || !line.includes('set dml-batch-size higher')) return;
    this.#say(`told: ${line}`);
    this.#command?.say(`dml-batch-size=${HEEDED_BATCH}`).catch(() => undefined);
  }

  #makeInjector(command: Command): Injector {
    const { seed, subject } = this.#plan;
    return new Injector({
      ...{ lab: this.#lab, proxy: command.proxy, account: ACCOUNT.user, seed },
      ...{ database: DATABASE, table: subject.table },
      signal: (name) => void command.signal(name),
      restart: (name, pauseMs) => {
        if (command.signal(name)) this.#restartMs = pauseMs;
      },
      command: async (line) => void (await command.say(line)),
    });
  }

  async #untilDeadline(command: Command): Promise<void> {
    const clock = new AbortController();
    const attempts = this.#attempts(command);
    const late = sleep(DEADLINE_MS, 'late', { signal: clock.signal }).catch(() => 'late');
    void this.#release(command);
    this.#timetable?.reach('start');
    const end = await Promise.race([attempts.then(() => 'done'), late]);
    clock.abort();
    if (end === 'done') return;
    this.#problem(`hung: not over after ${DEADLINE_MS / 1000} s`);
    this.#say(await diagnose(this.#lab.primary, command));
    this.#over = true;
    command.signal('SIGCONT');
    command.signal('SIGKILL');
    await attempts;
  }

  async #release(command: Command): Promise<void> {
    const { releaseMs } = this.#plan;
    if (releaseMs === null) return;
    await sleep(releaseMs);
    await command.release();
    this.#timetable?.reach('release');
  }

  async #attempts(command: Command): Promise<void> {
    let start: Start = 'fresh';
    for (let attempt = 1; attempt <= ATTEMPTS_MAX && !this.#over; attempt++) {
      this.#restartMs = null;
      const exit = await command.run(start);
      if (this.#over) return;
      if (exit.code === 0) {
        this.#result.completed = true;
        return;
      }
      const pauseMs: number | null = this.#restartMs;
      if (pauseMs === null && start === 'resume' && exit.code === 2) {
        // The end came before the first checkpoint, or what it needs is gone: nothing was touched.
        this.#result.refused++;
        this.#say(`not resumed: ${lastWords(exit.output)}`);
        if (await this.#witness.isChanged())
          return await this.#gaveUp(command, start, exit.code, exit.output);
        start = 'again';
        continue;
      }
      if (pauseMs === null) return await this.#gaveUp(command, start, exit.code, exit.output);
      await sleep(pauseMs + FUNERAL_MS);
      if (!this.#features.resume && (await this.#witness.isChanged())) {
        this.#result.completed = true; // ended behind the swap
        return;
      }
      this.#result.resumed++;
      start = this.#features.resume ? 'resume' : 'again';
    }
    if (!this.#over) this.#problem(`not done after ${ATTEMPTS_MAX} runs`);
  }

  /** A run has ended in its own words: was it right, and is everything as it was? */
  async #gaveUp(command: Command, start: Start, code: number | null, output: string): Promise<void> {
    this.#result.refused++;
    this.#say(`the run (${start}) ended with ${code}: ${lastWords(output)}`);
    const happened = this.#timetable?.happened ?? 0;
    await this.#timetable?.end();
    await this.#makeInjector(command).cleanUp();
    // One that did not come so far has touched nothing: what is there was left by one that could not say so any more.
    for (const name of output.includes('phase copying') ? await this.#witness.leftovers() : []) {
      if (!output.includes(name)) this.#problem(`${name} is left behind, and the message does not name it`);
    }
    const isChanged = await this.#witness.isChanged();
    if (isChanged && start === 'fresh') this.#say('the tables are swapped all the same');
    await this.#pauseLoad();
    this.#take(await this.#compare(isChanged));
    if (happened === 0 && code === 2) return; // the change itself was refused, before anything was touched
    if (happened === 0) this.#problem(`gave up without any fault, with ${code}`);
    this.#load = this.#ledger?.start({ ...this.#plan.load, readers: 1, readerPauseMs: 10 });
    if (isChanged) {
      this.#result.completed = true;
      return;
    }
    await command.release();
    const exit = await command.run('again');
    if (exit.code === 0) this.#result.completed = true;
    else if (!this.#over) this.#problem(`the plain run after it ended with ${exit.signal ?? exit.code}`);
  }

  async #pauseLoad(): Promise<void> {
    const { primary } = this.#lab;
    const stopped = this.#load?.stop().then(() => true);
    if (stopped === undefined) return;
    if (await Promise.race([stopped, sleep(LOAD_STOP_MS, false, { ref: false })])) return;
    this.#problem('the writers hang');
    if (this.#command) this.#say(await diagnose(primary, this.#command));
    await primary.restart();
    await stopped;
  }

  /** Everything has come to rest: the last word. */
  async #judge(): Promise<void> {
    const { completed, problems } = this.#result;
    await this.#pauseLoad();
    this.#load = undefined;
    const isChanged = await this.#witness.isChanged();
    if (completed !== isChanged && problems.length === 0)
      this.#problem(
        completed ? 'it says that it is done, and the table is as before' : 'swapped, and not done',
      );
    this.#take(await this.#compare(isChanged));
    if (isChanged) for (const complaint of await this.#witness.check()) this.#problem(complaint);
    const [replica] = this.#lab.replicas;
    if (replica === undefined) return;
    await waitForReplica(this.#lab.primary, replica, REPLICA_WAIT_MS);
    const result = await this.#ledger?.compare({ server: replica, changed: isChanged });
    const wrong = (result?.lost ?? 0) + (result?.phantom ?? 0) + (result?.differing ?? 0);
    if (wrong > 0) this.#problem(`${wrong} rows differ on the replica: ${result?.examples.join('; ')}`);
  }

  async #compare(changed: boolean): Promise<LedgerResult | undefined> {
    return await this.#ledger?.compare({ changed });
  }

  #take(result: LedgerResult | undefined): void {
    if (result === undefined) return;
    this.#result.lost += result.lost;
    this.#result.phantom += result.phantom;
    this.#result.differing += result.differing;
    if (result.surprises > 0) this.#problem(`${result.surprises} acknowledgements that cannot be`);
    for (const example of result.examples) this.#say(`  ${example}`);
    if (result.lost + result.phantom + result.differing === 0 || this.#command === undefined) return;
    this.#say(`evidence: ${this.#keep(this.#command)}`);
  }

  #keep(command: Command): string {
    const { primary } = this.#lab;
    return keepEvidence(primary, `${primary.flavor}-${this.#plan.seed}`, command.lines);
  }

  #problem(text: string): void {
    this.#result.problems.push(text);
    this.#say(`PROBLEM: ${text}`);
  }
}

function lastWords(output: string): string {
  const told = output.split('\n').filter((line) => /FATAL|ERROR|hint/i.test(line));
  return told.slice(-2).join(' | ');
}
