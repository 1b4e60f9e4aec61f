import { constants as fsConstants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { Failure, messageOf, UsageError } from '../base/errors.ts';
import type { Moment, MomentFacts, Moments } from '../core/moments.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { type HookConstants, hookVariables, withoutSecretVariables } from './hook-environment.ts';
import { runHookProcess } from './hook-process.ts';
import type { OptionValues } from './options.ts';

/** What hooks are run with. */
export interface HookParts {
  /** The folder of the programs. */
  readonly path: string;
  readonly timeoutMs: number;
  readonly constants: HookConstants;
  /** Texts that no hook may be told. */
  readonly secrets: readonly string[];
  readonly snapshot: () => Snapshot;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly log: { info(message: string): void; warn(message: string): void };
}

/**
 * A folder that is not there would have no hook run: one that is to veto would not.
 * @throws UsageError when `--hooks-path` is no folder that can be read.
 */
export async function checkHooksPath({ hooksPath }: Pick<OptionValues, 'hooksPath'>): Promise<void> {
  if (hooksPath === null) return;
  try {
    await readdir(hooksPath);
  } catch (error) {
    throw new UsageError(`--hooks-path cannot be read: ${messageOf(error)}. Nothing was touched.`, {
      hint: 'No hook would run, and none could veto. Name the folder with the hooks, or leave the option out.',
      cause: error,
    });
  }
}

/** The hooks that the options ask for; undefined without `--hooks-path`. */
export function hooksOf(
  options: OptionValues,
  parts: Omit<HookParts, 'path' | 'timeoutMs' | 'constants'>,
): Hooks | undefined {
  if (options.hooksPath === null) return undefined;
  const constants: HookConstants = {
    ddl: options.alter ?? '',
    dryRun: !options.execute,
    revert: options.revert,
    hint: options.hooksHint,
    hintOwner: options.hooksHintOwner,
    hintToken: options.hooksHintToken,
  };
  const timeoutMs = options.hooksTimeoutSeconds * 1000;
  return new Hooks({ ...parts, path: options.hooksPath, timeoutMs, constants });
}

/** Moments whose hooks are asked for nothing: what becomes of them is only logged. */
const withoutVeto: ReadonlySet<Moment> = new Set(['batch-copy-retry', 'status', 'failure']);

/** Whoever waits on the socket waits for this, ms: less than the time for which an answer is waited for. */
const commandTimeoutMs = 25_000;

/**
 * Hooks: the programs of the operator in one folder. At each moment those whose names begin with the moment's are run, one after
 * the other in the order of their names, as gh-ost does. The folder is read anew each time. One that fails keeps the rest from
 * running, and vetoes.
 */
export class Hooks implements Moments {
  readonly #parts: HookParts;
  readonly #told = new Set<string>();

  constructor(parts: HookParts) {
    this.#parts = parts;
  }

  async reach(moment: Moment, signal?: AbortSignal, facts: MomentFacts = {}): Promise<void> {
    try {
      for (const path of await this.#programs(`gh-ost-on-${moment}`))
        await this.#run(path, moment, signal, facts);
    } catch (error) {
      signal?.throwIfAborted();
      if (!withoutVeto.has(moment)) throw error;
      this.#parts.log.warn(messageOf(error));
    }
  }

  async #run(
    path: string,
    moment: Moment,
    signal: AbortSignal | undefined,
    facts: MomentFacts,
  ): Promise<void> {
    const { clock, log, snapshot, constants, secrets } = this.#parts;
    const timeoutMs =
      moment === 'interactive-command'
        ? Math.min(commandTimeoutMs, this.#parts.timeoutMs)
        : this.#parts.timeoutMs;
    const variables = hookVariables(moment, snapshot(), constants, facts);
    for (const [name, value] of Object.entries(variables)) variables[name] = masked(value, secrets);
    const env = { ...withoutSecretVariables(this.#parts.env, secrets), ...variables };
    log.info(`hook ${path}`);
    const trouble = await runHookProcess(path, { env, timeoutMs, clock, signal });
    if (trouble === null) return;
    throw new Failure(`the hook ${path} failed: ${trouble}`, { hint: hints[moment] ?? vetoHint });
  }

  /** The programs of a moment, by name. A file that cannot be run is told of once. */
  async #programs(prefix: string): Promise<string[]> {
    const { path: folder } = this.#parts;
    const names = (await this.#list(folder)).filter((name) => name.startsWith(prefix)).sort();
    const paths: string[] = [];
    for (const name of names) {
      const path = join(folder, name);
      const found = await stat(path).catch(() => null);
      if (!found?.isFile()) continue;
      const executable = await access(path, fsConstants.X_OK).then(
        () => true,
        () => false,
      );
      if (executable) paths.push(path);
      else this.#tellOnce(`the hook ${path} is not executable: it is not run`);
    }
    return paths;
  }

  async #list(folder: string): Promise<string[]> {
    try {
      return await readdir(folder);
    } catch (error) {
      // It was there at the start.
      throw new Failure(`--hooks-path cannot be read any more: ${messageOf(error)}`, {
        hint: 'A hook that should have a say may be missing, so the run ends. Bring the folder back, and use --resume.',
        cause: error,
      });
    }
  }

  #tellOnce(message: string): void {
    if (this.#told.has(message)) return;
    this.#told.add(message);
    this.#parts.log.warn(message);
  }
}

const vetoHint = 'Its output is above. A hook that ends with another status than 0 ends the migration.';

const hints: Partial<Record<Moment, string>> = {
  success: 'The migration itself is complete: the tables are swapped, only this hook failed.',
};

/** Short secrets are ordinary words: see ops/log.ts. */
function masked(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= 6)
    .reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
}
