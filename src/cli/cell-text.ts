import { visible } from "../core/visible.ts";
import { RATES } from "../records/metrics.ts";

/** Fields that are fractions; with the parts after `_` (`ca_clean`, `asr_masked`). */
const RATE = new RegExp(`^(${[...RATES, "accuracy", "rate", "share"].join("|")})(_|$)`);
const BYTES = /(^|_)bytes(_|$)/;
const SECONDS = /(^|_)seconds(_|$)/;
const UNITS = ["B", "kB", "MB", "GB", "TB"];

/**
 * How one column shows its values to people: numbers of a column alike and rounded, sizes in units, unknown as `-`.
 * Rates have three decimals; of other fractions the larger have fewer.
 *
 * @param values of the whole column, as JSON has them
 */
export function columnText(field: string, values: readonly unknown[]): (value: unknown) => string {
  const numbers = values.filter((value) => typeof value === "number");
  const show = BYTES.test(field) ? bytesText : decimalsOf(field, numbers);
  return (value) => {
    if (value === null || value === undefined || value === "") return "-";
    return typeof value === "number" ? show(value) : visible(plainText(value));
  };
}

/** A value without rounding, for CSV; what is nested as JSON. */
export function plainText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** A size with three digits, e.g. `59.2 kB`. */
export function bytesText(bytes: number): string {
  const unit = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
  const value = bytes / 1000 ** unit;
  return `${unit === 0 ? bytes : value.toPrecision(value >= 1000 ? 4 : 3)} ${UNITS[unit]}`;
}

/** `0.0` would say that nothing was done. */
function secondsText(value: number, decimals: number): string {
  const least = 10 ** -decimals;
  return value > 0 && value < least / 2 ? `<${least}` : value.toFixed(decimals);
}

function decimalsOf(field: string, numbers: readonly number[]): (value: number) => string {
  const sizes = numbers.map(Math.abs);
  const most = sizes.reduce((a, b) => Math.max(a, b), 0);
  if (RATE.test(field) && most <= 1) return (value) => value.toFixed(3);
  if (numbers.every(Number.isInteger)) return String;
  if (SECONDS.test(field)) return (value) => secondsText(value, most >= 100 ? 0 : 1);
  const least = sizes.reduce((a, b) => (b > 0 ? Math.min(a, b) : a), Number.POSITIVE_INFINITY);
  if (least < 0.0005 || most >= 1e9) return (value) => (value === 0 ? "0" : String(Number(value.toPrecision(3))));
  const decimals = most >= 1000 ? 0 : most >= 100 ? 1 : most >= 10 ? 2 : 3;
  return (value) => value.toFixed(decimals);
}
