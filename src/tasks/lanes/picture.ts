import { encode } from "fast-png";
import { CHANNELS } from "../../pictures/picture.ts";
import type { Colour } from "./colour.ts";
import { FRAME, isSeen, type Lane } from "./lane.ts";

/** Lanes in one colour. */
export interface DrawnLanes {
  lanes: readonly Lane[];
  colour: Colour;
}

export const TRUE_LANES: Colour = [60, 220, 60];
export const PREDICTED_LANES: Colour = [255, 70, 50];
export const WANTED_LANES: Colour = [255, 200, 40];

/** Half the width of a drawn lane, in pixels of the picture that is made. */
const HALF_WIDTH = 1.2;

/**
 * A frame with lanes drawn over it, as PNG.
 *
 * @param pixels uint8 `[3, height, width]` from `at` on
 * @param rows y of the lanes' points, in pixels of a 1280×720 picture
 * @param height of the PNG; its width follows 1280:720
 */
export function lanePicture(
  frame: { pixels: Uint8Array; height: number; width: number; at?: number },
  rows: readonly number[],
  layers: readonly DrawnLanes[],
  height = 216,
): Uint8Array {
  const width = Math.round((height * FRAME.width) / FRAME.height);
  const data = enlarged(frame, height, width);
  const scale = height / FRAME.height;
  for (const { lanes, colour } of layers) {
    for (const lane of lanes) {
      for (let i = 1; i < rows.length; i++) {
        if (!isSeen(lane[i - 1]) || !isSeen(lane[i])) continue;
        const [from, to] = [i - 1, i].map((k) => ({ x: lane[k] * scale, y: rows[k] * scale }));
        drawSegment(data, { height, width }, from, to, colour);
      }
    }
  }
  return encode({ width, height, data, channels: CHANNELS });
}

/** Interleaved pixels, each of the nearest pixel of the frame. */
function enlarged(
  { pixels, height, width, at = 0 }: { pixels: Uint8Array; height: number; width: number; at?: number },
  toHeight: number,
  toWidth: number,
): Uint8Array {
  const data = new Uint8Array(CHANNELS * toHeight * toWidth);
  for (let y = 0; y < toHeight; y++) {
    const v = Math.floor((y * height) / toHeight);
    for (let x = 0; x < toWidth; x++) {
      const u = Math.floor((x * width) / toWidth);
      for (let c = 0; c < CHANNELS; c++)
        data[(y * toWidth + x) * CHANNELS + c] = pixels[at + (c * height + v) * width + u];
    }
  }
  return data;
}

/** A line from one row to a lower one, its edge one pixel soft. */
function drawSegment(
  data: Uint8Array,
  { height, width }: { height: number; width: number },
  from: { x: number; y: number },
  to: { x: number; y: number },
  colour: Colour,
): void {
  const slope = (to.x - from.x) / (to.y - from.y);
  // Measured along the row; a slanted line is as wide across.
  const half = HALF_WIDTH * Math.sqrt(1 + slope * slope);
  for (let y = Math.max(0, Math.round(from.y)); y < Math.min(height, Math.round(to.y) + 1); y++) {
    const middle = from.x + slope * (y - from.y);
    for (let x = Math.max(0, Math.floor(middle - half)); x <= Math.min(width - 1, Math.ceil(middle + half)); x++) {
      const share = Math.max(0, Math.min(1, half + 0.5 - Math.abs(x - middle)));
      for (let c = 0; c < CHANNELS; c++) {
        const at = (y * width + x) * CHANNELS + c;
        data[at] = Math.round(data[at] + share * (colour[c] - data[at]));
      }
    }
  }
}
