import { convertIndexedToRgb, decode as decodePng } from "fast-png";
import { decode as decodeJpeg } from "jpeg-js";
import { InputError } from "../core/errors.ts";
import { type Picture, parsePpm } from "./ppm.ts";
import { CHANNELS } from "./types.ts";

/** Beyond this a picture is no example of a small network's task, and decoding it would only take memory. */
const MOST_PIXELS = 1 << 24;
const MOST_MEGABYTES = 256;
const IHDR_WIDTH = 16;
const IHDR_END = 24;

/** How the files of pictures that are read end. */
export const PICTURE = /\.(png|jpe?g|ppm)$/i;

/**
 * Decodes a PNG, JPEG or binary PPM, told by its content: greys become RGB, opacity is dropped, 16 bits become 8.
 *
 * @param name the file's name, for messages. @throws InputError where it is damaged, too large or neither
 */
export function decodePicture(bytes: Uint8Array, name: string): Picture {
  const isPng = bytes[0] === 0x89 && bytes[1] === 0x50;
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  if (bytes[0] === 0x50 && bytes[1] === 0x36) return parsePpm(bytes, name);
  if (!isPng && !isJpeg) throw new InputError(`${name}: is neither PNG, JPEG nor PPM`);
  try {
    return isPng ? fromPng(bytes, name) : fromJpeg(bytes);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(
      `${name}: cannot be decoded, it is damaged or cut short: ${String((error as Error).message ?? error)}`,
    );
  }
}

function fromJpeg(bytes: Uint8Array): Picture {
  const limits = { maxResolutionInMP: MOST_PIXELS / 1e6, maxMemoryUsageInMB: MOST_MEGABYTES };
  const { width, height, data } = decodeJpeg(bytes, { ...limits, useTArray: true, formatAsRGBA: false });
  return { width, height, rgb: data };
}

function fromPng(bytes: Uint8Array, name: string): Picture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.length < IHDR_END ? 0 : view.getUint32(IHDR_WIDTH) * view.getUint32(IHDR_WIDTH + 4);
  if (size > MOST_PIXELS) throw new InputError(`${name}: is too large (${size} pixels)`);
  const png = decodePng(bytes);
  const { width, height, depth, palette } = png;
  const source = palette ? convertIndexedToRgb(png) : png.data;
  const channels = source.length / (width * height);
  const isGrey = channels < CHANNELS;
  // Greys of fewer than 8 bits come as they are; 16 bits lose the lower half.
  const toByte = (value: number) => {
    if (palette || depth === 8) return value;
    return depth > 8 ? value >> (depth - 8) : Math.round((value * 255) / (2 ** depth - 1));
  };
  const rgb = new Uint8Array(CHANNELS * width * height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < CHANNELS; c++) rgb[CHANNELS * i + c] = toByte(source[channels * i + (isGrey ? 0 : c)]);
  }
  return { width, height, rgb };
}
