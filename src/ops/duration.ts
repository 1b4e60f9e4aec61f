/**
 * A duration in ms as Go prints it without fractions of seconds: `4s`, `1m3s`, `2h0m5s`; below a second `0s`.
 */
export function wholeSeconds(ms: number): string {
  return goDuration(Math.max(0, Math.floor(ms / 1000)) * 1000);
}

/** A duration in ms as Go prints it: `0s`, `150ms`, `2.5s`, `1m3s`, `26h0m0.25s`. Exact to a microsecond. */
export function goDuration(ms: number): string {
  const sign = ms < 0 ? '-' : '';
  const micros = Math.round(Math.abs(ms) * 1000);
  if (micros === 0) return '0s';
  if (micros < 1000) return `${sign}${micros}µs`;
  if (micros < 1_000_000) return `${sign}${micros / 1000}ms`;
  const seconds = (micros % 60_000_000) / 1_000_000;
  const minutes = Math.floor(micros / 60_000_000);
  if (minutes === 0) return `${sign}${seconds}s`;
  const hours = Math.floor(minutes / 60);
  return `${sign}${hours === 0 ? '' : `${hours}h`}${minutes % 60}m${seconds}s`;
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * A moment as `Mon Jan 02 15:04:05 -0700 2006`.
 * @param wallMs ms since the epoch.
 * @param offsetMinutes minutes east of UTC; the machine's zone when left out.
 */
export function rubyDate(wallMs: number, offsetMinutes = -new Date(wallMs).getTimezoneOffset()): string {
  const at = new Date(wallMs + offsetMinutes * 60_000);
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(twoDigits).join(':');
  const minutes = Math.abs(offsetMinutes);
  const sign = offsetMinutes < 0 ? '-' : '+';
  const zone = `${sign}${twoDigits(Math.floor(minutes / 60))}${twoDigits(minutes % 60)}`;
  const day = `${days[at.getUTCDay()]} ${months[at.getUTCMonth()]} ${twoDigits(at.getUTCDate())}`;
  return `${day} ${time} ${zone} ${at.getUTCFullYear()}`;
}

/** A number with two digits at least. */
export function twoDigits(n: number): string {
  return String(n).padStart(2, '0');
}
