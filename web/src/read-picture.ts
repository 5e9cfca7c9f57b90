import type { Picture } from "../../src/pictures/picture.ts";
import { resizePicture } from "../../src/pictures/resize.ts";
import { FRAME } from "../../src/tasks/lanes/lane.ts";

/** Bytes of a file beyond which it is refused unread. */
const MOST_BYTES = 16e6;
/** Pixels of a frame beyond which it is refused: all of them are read before it is made small. */
const MOST_PIXELS = 40e6;

/** A picture of the user's as `[3, side, side]`, its middle square made small. @throws Error with one line for people */
export async function readSquare(file: File, side: number): Promise<Uint8Array> {
  const bitmap = await bitmapOf(file);
  const edge = Math.min(bitmap.width, bitmap.height);
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  const [left, top] = [(bitmap.width - edge) / 2, (bitmap.height - edge) / 2];
  context.fillStyle = "white";
  context.fillRect(0, 0, side, side);
  context.drawImage(bitmap, left, top, edge, edge, 0, 0, side, side);
  bitmap.close();
  const { data } = context.getImageData(0, 0, side, side);
  const plane = side * side;
  const pixels = new Uint8Array(3 * plane);
  for (let i = 0; i < plane; i++) for (let c = 0; c < 3; c++) pixels[c * plane + i] = data[4 * i + c];
  return pixels;
}

/**
 * A frame of the user's as `[3, height, width]`: its middle of 16:9, resized as TuSimple's pictures are, with the antialiasing triangle filter
 * (docs/lanes.md).
 *
 * @throws Error with one line for people
 */
export async function readFrame(file: File, size: { height: number; width: number }): Promise<Uint8Array> {
  const bitmap = await bitmapOf(file);
  const scale = Math.min(bitmap.width / FRAME.width, bitmap.height / FRAME.height);
  const [width, height] = [FRAME.width, FRAME.height].map((side) => Math.max(1, Math.round(side * scale)));
  if (width * height > MOST_PIXELS) {
    const millions = ((width * height) / 1e6).toFixed(0);
    throw new Error(`This picture has ${millions} million pixels; a frame may have ${MOST_PIXELS / 1e6}.`);
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d")!;
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, -Math.floor((bitmap.width - width) / 2), -Math.floor((bitmap.height - height) / 2));
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const picture: Picture = { width, height, rgb: new Uint8Array(3 * width * height) };
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) picture.rgb[3 * i + c] = data[4 * i + c];
  }
  const pixels = new Uint8Array(3 * size.height * size.width);
  resizePicture(picture, size, pixels, 0);
  return pixels;
}

async function bitmapOf(file: File): Promise<ImageBitmap> {
  if (file.size > MOST_BYTES) {
    throw new Error(`This file has ${(file.size / 1e6).toFixed(0)} MB; a picture may have ${MOST_BYTES / 1e6}.`);
  }
  return createImageBitmap(file).catch(() => {
    throw new Error("This file is no picture that the browser can read.");
  });
}
