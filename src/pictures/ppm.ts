import { InputError } from "../core/errors.ts";
import type { Picture } from "./picture.ts";

/** Beyond this a width or height is taken for a fault; GTSRB's pictures have at most about 250. */
const LARGEST = 4096;

const NEWLINE = 10;
const HASH = 35;

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

/**
 * Parses a binary PPM (P6) of 8 bits per channel. Strict: exactly one picture and not a byte more.
 *
 * @param file name for messages
 * @throws InputError naming the file and what is wrong with it
 */
export function parsePpm(bytes: Uint8Array, file: string): Picture {
  const fail = (why: string) => new InputError(`${file}: ${why}`);
  if (bytes[0] !== 80 || bytes[1] !== 54) throw fail("no PPM picture (it does not begin with P6)");
  let at = 2;

  const number = (what: string): number => {
    const before = at;
    while (at < bytes.length && (isSpace(bytes[at]) || (bytes[at] === HASH && at > before))) {
      if (bytes[at] === HASH) while (at < bytes.length && bytes[at] !== NEWLINE) at++;
      else at++;
    }
    if (at === before) throw fail(`corrupt PPM header: no blank before the ${what}`);
    let value = 0;
    let digits = 0;
    while (at < bytes.length && bytes[at] >= 48 && bytes[at] <= 57 && digits < 7) {
      value = value * 10 + bytes[at++] - 48;
      digits++;
    }
    if (digits === 0) throw fail(`corrupt PPM header: no ${what}`);
    return value;
  };
  const size = (what: string): number => {
    const value = number(what);
    if (value < 1 || value > LARGEST) throw fail(`corrupt PPM header: ${what} ${value}, expected 1 to ${LARGEST}`);
    return value;
  };

  const width = size("width");
  const height = size("height");
  const largest = number("maximum value");
  if (largest !== 255) throw fail(`maximum value ${largest}; only 255 (8 bits) is supported`);
  if (at >= bytes.length || !isSpace(bytes[at])) throw fail("corrupt PPM header: no blank before the pixels");
  at++;
  const expected = 3 * width * height;
  const found = bytes.length - at;
  if (found < expected) throw fail(`truncated: ${found} of ${expected} pixel bytes for ${width}×${height}`);
  if (found > expected) throw fail(`${found - expected} bytes too many for ${width}×${height}`);
  return { width, height, rgb: bytes.subarray(at) };
}
