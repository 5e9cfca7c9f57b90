import { useEffect, useRef } from "preact/hooks";
import { imageSize } from "../../src/images/image-set.ts";

/** A small picture, uint8 `[3, height, width]`, drawn as it is. `label` is what a screen reader says; empty: decoration. */
export function Pixels({ pixels, side, label }: { pixels: Uint8Array; side: number; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    canvas.current!.getContext("2d")!.putImageData(imageDataOf(pixels, side), 0, 0);
  }, [pixels, side]);
  const hidden = label === "" ? { "aria-hidden": true } : { role: "img" as const, "aria-label": label };
  return <canvas ref={canvas} class="pixels" width={side} height={side} {...hidden} />;
}

function imageDataOf(pixels: Uint8Array, side: number): ImageData {
  const data = new ImageData(side, side);
  const plane = side * side;
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) data.data[4 * i + c] = pixels[c * plane + i];
    data.data[4 * i + 3] = 255;
  }
  return data;
}

/** Bytes of a file beyond which it is refused unread. */
const MOST_BYTES = 16e6;

/** A picture of the user's as `[3, side, side]`, its middle square made small. @throws Error with one line for people */
export async function readPicture(file: File, side: number): Promise<Uint8Array> {
  if (file.size > MOST_BYTES) {
    throw new Error(`This file has ${(file.size / 1e6).toFixed(0)} MB; a picture may have ${MOST_BYTES / 1e6}.`);
  }
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error("This file is no picture that the browser can read.");
  });
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

/** A view of one image of a set. */
export function pixelsAt(set: { pixels: Uint8Array; height: number; width: number }, index: number): Uint8Array {
  const size = imageSize(set);
  return set.pixels.subarray(index * size, (index + 1) * size);
}
