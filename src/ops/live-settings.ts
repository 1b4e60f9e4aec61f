import type { LiveSettings } from '../core/settings.ts';
import { camelCase, type OptionValues, options } from './options.ts';

/** The settings that a run starts with; commands change this very object. */
export function liveSettings(values: OptionValues): LiveSettings {
  const settings: Record<string, unknown> = {};
  for (const [name, { live }] of options) if (live !== undefined) settings[live] = values[camelCase(name)];
  return settings as unknown as LiveSettings;
}
