import { decode as decodeJpeg } from "jpeg-js";
import { InputError } from "../core/errors.ts";
import type { Picture } from "./picture.ts";
import { decodePng } from "./png-file.ts";
import { parsePpm } from "./ppm.ts";

/** Beyond this a picture is no example of a small network's task, and decoding it would only take memory. */
const MOST_PIXELS = 1 << 24;
const MOST_MEGABYTES = 256;
/** Of a progressive JPEG, each of which costs as much as the whole; common ones have ten. */
const MOST_SCANS = 64;

/** How the files of pictures that are read end. */
export const PICTURE = /\.(png|jpe?g|ppm)$/i;

/**
 * Decodes a PNG, JPEG or binary PPM, told by its content: greys become RGB, opacity is dropped, 16 bits become 8. The orientation
 * that a camera noted is not applied, as PyTorch's `ImageFolder` does not.
 *
 * @param name the file's name, for messages. @throws InputError where it is damaged, too large, without pixels or neither
 */
export function decodePicture(bytes: Uint8Array, name: string): Picture {
  const isPng = bytes[0] === 0x89 && bytes[1] === 0x50;
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  if (bytes[0] === 0x50 && bytes[1] === 0x36) return parsePpm(bytes, name);
  if (!isPng && !isJpeg) throw new InputError(`${name}: is neither PNG, JPEG nor PPM`);
  try {
    return isPng ? decodePng(bytes, name, MOST_PIXELS) : fromJpeg(bytes, name);
  } catch (error) {
    if (error instanceof InputError) throw error;
    // What a decoder stumbles over says nothing to anybody.
    const isStumble = error instanceof TypeError || error instanceof RangeError;
    const why = isStumble ? "" : `: ${String((error as Error).message ?? error)}`;
    throw new InputError(`${name}: cannot be decoded, it is damaged or cut short${why}`);
  }
}

function fromJpeg(bytes: Uint8Array, name: string): Picture {
  const scans = scansOf(bytes);
  if (scans > MOST_SCANS)
    throw new InputError(`${name}: has ${scans} scans, more than the ${MOST_SCANS} that are read`);
  const limits = { maxResolutionInMP: MOST_PIXELS / 1e6, maxMemoryUsageInMB: MOST_MEGABYTES };
  const { width, height, data } = decodeJpeg(bytes, { ...limits, useTArray: true, formatAsRGBA: false });
  if (width === 0 || height === 0) {
    throw new InputError(`${name}: is a picture of ${width}×${height}: it has no pixels`);
  }
  return { width, height, rgb: data };
}

const SCAN = 0xda;
const END = 0xd9;

/** How many scans a JPEG has, as far as its segments are whole. */
function scansOf(bytes: Uint8Array): number {
  let scans = 0;
  for (let at = 2; at + 3 < bytes.length; ) {
    const marker = bytes[at + 1];
    // Within a scan's data a marker's first byte is followed by 0, or by a restart's number.
    if (bytes[at] !== 0xff || marker === 0 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd7)) {
      at++;
      continue;
    }
    if (marker === END) break;
    if (marker === SCAN) scans++;
    at += 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
  }
  return scans;
}
