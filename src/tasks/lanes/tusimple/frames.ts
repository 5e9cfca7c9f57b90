import { createHash } from "node:crypto";
import { join } from "node:path";
import { InputError } from "../../../core/errors.ts";
import { cachedBytes } from "../../../files/cached.ts";
import { readDataFile } from "../../../files/data-file.ts";
import { jpegSize } from "../../../pictures/jpeg-size.ts";
import { CHANNELS } from "../../../pictures/picture.ts";
import { decodePicture } from "../../../pictures/picture-file.ts";
import { resizePicture } from "../../../pictures/resize.ts";
import type { InputSize } from "../dataset.ts";
import { FRAME, type LaneSet } from "../lane.ts";
import type { LabelledPicture } from "./label-file.ts";

/** The official pictures have about 200 kB. */
const MOST_PICTURE_BYTES = 16 << 20;

/**
 * Reads the pictures of labels at a network's size. Each decoded picture is kept in the cache under the hash of its file, so that a second
 * load decodes nothing.
 *
 * @param folder below which the pictures lie
 * @param cache folder of decoded pictures; null keeps none
 * @throws InputError naming label file, line and picture where that is missing, damaged or not 1280×720
 */
export function readFrames(
  labels: readonly LabelledPicture[],
  folder: string,
  size: InputSize,
  cache: string | null,
): LaneSet {
  const bytes = CHANNELS * size.height * size.width;
  const pixels = new Uint8Array(labels.length * bytes);
  for (const [i, { picture, place }] of labels.entries()) {
    const path = join(folder, picture);
    try {
      pixels.set(readFrame(path, size, cache), i * bytes);
    } catch (error) {
      if (error instanceof InputError) throw new InputError(`${place}: ${error.message}`);
      throw error;
    }
  }
  return {
    count: labels.length,
    ...size,
    pixels,
    labels: labels.map(({ rows, lanes }) => ({ rows, lanes })),
  };
}

/** One picture as `[3, height, width]`. */
function readFrame(path: string, size: InputSize, cache: string | null): Uint8Array {
  const file = readDataFile(path, MOST_PICTURE_BYTES);
  const hash = createHash("sha256").update(file).digest("hex");
  const bytes = CHANNELS * size.height * size.width;
  const folder = cache === null ? null : join(cache, `${size.height}x${size.width}`, hash.slice(0, 2));
  return cachedBytes(folder, `${hash}.u8`, bytes, () => {
    // Before anything is decoded: a few bytes may declare a picture of gigabytes.
    const declared = jpegSize(file);
    if (!declared) throw new InputError(`${path}: is no JPEG`);
    if (declared.width !== FRAME.width || declared.height !== FRAME.height)
      throw new InputError(`${path}: is ${declared.width}×${declared.height}, not ${FRAME.width}×${FRAME.height}`);
    const out = new Uint8Array(bytes);
    resizePicture(decodePicture(file, path), size, out, 0);
    return out;
  });
}
