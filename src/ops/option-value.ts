import { UsageError } from '../base/errors.ts';
import { parseThresholds, type Thresholds } from '../core/thresholds.ts';
import type { ChoiceSpec, NumberSpec, OptionSpec } from './options/spec.ts';

/** A value that was read, with a remark where it is not what was written. */
export interface ReadValue {
  readonly value: boolean | number | string | readonly string[] | Thresholds | null;
  readonly note?: string;
}

// As Go's strconv.ParseBool reads them: that is what scripts written for gh-ost contain.
const booleans = new Map(
  ['1', 't', 'T', 'true', 'TRUE', 'True']
    .map((word) => [word, true] as [string, boolean])
    .concat(['0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false])),
);

/**
 * Reads the text of one value.
 * @param called how the option is named in messages: `--chunk-size`, `chunk-size`, `my.cnf:12: chunk_size`.
 * @throws UsageError when it is no value of this option.
 */
export function readValue(called: string, spec: OptionSpec, raw: string): ReadValue {
  if (spec.type === 'bool') return { value: readBoolean(called, raw) };
  if (spec.type === 'int' || spec.type === 'float') return readNumber(called, spec, raw);
  if (spec.type === 'list') {
    const names = splitList(raw);
    return { value: spec.addresses ? names.map((name) => readAddress(called, name)) : names };
  }
  if (spec.type === 'thresholds') return { value: readThresholds(called, raw) };
  if (spec.type === 'choice') return { value: readChoice(called, spec, raw) };
  const absent = raw === '' && (spec.type === 'path' || spec.default === null);
  return { value: absent ? null : raw };
}

/** The parts of a list: trimmed, empty ones left out. */
function splitList(raw: string): string[] {
  return raw
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function readThresholds(called: string, raw: string): Thresholds {
  const found = parseThresholds(raw);
  if (found !== null) return found;
  throw new UsageError(`${called} names status variables as name=value,name=value, not "${raw}"`);
}

/** An address in its full form: the port is never left out. */
function readAddress(called: string, name: string): string {
  const [, bracketed, plain, port = '3306'] =
    /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(name) ?? [];
  const host = bracketed === undefined ? plain : `[${bracketed}]`;
  if (host !== undefined && Number(port) >= 1 && Number(port) <= 65535) return `${host}:${Number(port)}`;
  throw new UsageError(`${called} names servers as host:port, not "${name}"`);
}

function readBoolean(called: string, raw: string): boolean {
  const value = booleans.get(raw);
  if (value !== undefined) return value;
  throw new UsageError(`${called} is true or false, not "${raw}"`);
}

function readChoice(called: string, spec: ChoiceSpec, raw: string): string {
  const word = spec.aliases[raw] ?? raw;
  if (spec.choices.includes(word)) return word;
  throw new UsageError(`${called} is one of ${spec.choices.join(', ')}, not "${raw}"`);
}

function readNumber(called: string, spec: NumberSpec, raw: string): ReadValue {
  if (spec.default === null && (raw === '' || raw === 'auto')) return { value: null };
  const pattern =
    spec.type === 'int' ? /^[+-]?(\d+|0[xX][\da-fA-F]+)$/ : /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
  const what = spec.type === 'int' ? 'a whole number' : 'a number';
  if (!pattern.test(raw)) throw new UsageError(`${called} is ${what}, not "${raw}"`);
  const number = Number(raw);
  const { min, max, policy } = spec.range;
  if (number >= min && number <= max) return { value: number };
  const range = `${called} is ${what} from ${min} to ${max}`;
  if (policy === 'refuse') throw new UsageError(`${range}, not ${raw}`);
  const value = policy === 'clamp' ? Math.min(max, Math.max(min, number)) : spec.default;
  return { value, note: `${range}: ${raw} is taken as ${value}` };
}
