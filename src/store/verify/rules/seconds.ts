/** How long a thing can have taken. */

/** Builds, studies and programs of users run for hours or days, on the slowest machine for weeks; none runs for a year. */
const MOST_SECONDS = 366 * 24 * 3600;

/** Sums round. */
const TOLERANCE = 0.01;

/**
 * @param parts what the whole took at least, by what it is
 * @returns one line where a time cannot be
 */
export function secondsFaults(seconds: number, parts: Readonly<Record<string, number>>, what: string): string[] {
  const times = [seconds, ...Object.values(parts)];
  if (times.some((time) => time < 0)) return ["states negative times"];
  if (times.some((time) => !(time <= MOST_SECONDS))) return ["states times of more than a year"];
  const sum = Object.values(parts).reduce((total, time) => total + time, 0);
  return sum > seconds + TOLERANCE ? [`its ${what} take longer than 'seconds'`] : [];
}
