import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { OptionSpec } from '../../src/ops/options/spec.ts';
import { optionGroups } from '../../src/ops/options.ts';

const target = fileURLToPath(new URL('../../docs/options.md', import.meta.url));

/**
 * The option reference as markdown, printed from the options table: `docs/options.md` is this text.
 * `npm run docs` writes it, and a test compares.
 */
export function optionsMarkdown(): string {
  const lines = [
    '# Options',
    '',
    'Printed from the options table (`src/ops/options.ts`) by `npm run docs`; do not edit.',
    '',
    'One dash or two; `--name=value` or `--name value`; a switch is turned off by `--name=false`; of an option that is',
    'given twice the last one counts. *live* options can be changed while running, by `name=value` on the control socket.',
  ];
  for (const [title, group] of Object.entries(optionGroups)) {
    lines.push(
      '',
      `## ${title}`,
      '',
      '| option | default | range | live | meaning |',
      '|---|---|---|---|---|',
    );
    for (const [name, spec] of Object.entries(group as Record<string, OptionSpec>))
      lines.push(row(name, spec));
  }
  return `${lines.join('\n')}\n`;
}

function row(name: string, spec: OptionSpec): string {
  const cells = [`\`--${name}\``, defaultOf(spec), rangeOf(spec), spec.live ? 'live' : '', meaningOf(spec)];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function defaultOf(spec: OptionSpec): string {
  const value = spec.default;
  if (spec.type === 'bool') return value ? 'on' : 'off';
  if (value === null || value === '' || typeof value === 'object') return '';
  return `\`${String(value).replace(`${tmpdir()}/`, '<tmpdir>/')}\``;
}

function rangeOf(spec: OptionSpec): string {
  if (spec.type === 'choice') return spec.choices.map((each) => `\`${each}\``).join(', ');
  return 'range' in spec ? `${spec.range.min} to ${spec.range.max}` : '';
}

function meaningOf(spec: OptionSpec): string {
  return spec.withoutEffect ? `${spec.text}; accepted without effect: ${spec.withoutEffect}` : spec.text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, optionsMarkdown());
