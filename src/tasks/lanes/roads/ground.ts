import type { Colour } from "../colour.ts";
import { FRAME } from "../lane.ts";
import { type Canvas, mix } from "./canvas.ts";
import { columnAt, depthAt, type Scene } from "./scene.ts";

/** Parts into which a row of pixels is cut, so that far dashes fade as in a camera. */
const SUB_ROWS = 3;
/** Nothing on the ground is drawn nearer to the horizon, in rows. */
const NEAREST_TO_HORIZON = 1;

/** A strip along the road. Lengths are metres. */
export interface Strip {
  /** Of its middle, to the right of the centre line. */
  lateral: number;
  halfWidth: number;
  colour: Colour;
  opacity: number;
  /** Where it begins and ends, ahead of the camera; all along where absent. */
  near?: number;
  far?: number;
  /** Painted for `length` in every `period`. */
  dash?: { length: number; period: number; phase: number };
}

/** Draws a strip. A pixel gets the exact share of its width that is covered, in each of three parts of its height. */
export function drawStrip(canvas: Canvas, scene: Scene, strip: Strip): void {
  const { height, width } = canvas;
  const covered = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    let first = width;
    let last = -1;
    for (let part = 0; part < SUB_ROWS; part++) {
      const row = ((y + (part + 0.5) / SUB_ROWS) * FRAME.height) / height;
      if (row <= scene.horizon + NEAREST_TO_HORIZON) continue;
      const depth = depthAt(scene, row);
      if (!isThere(strip, depth)) continue;
      const a = (columnAt(scene, strip.lateral - strip.halfWidth, depth) * width) / FRAME.width;
      const b = (columnAt(scene, strip.lateral + strip.halfWidth, depth) * width) / FRAME.width;
      const from = Math.max(0, Math.floor(a));
      const to = Math.min(width - 1, Math.ceil(b) - 1);
      for (let x = from; x <= to; x++) covered[x] += (Math.min(x + 1, b) - Math.max(x, a)) / SUB_ROWS;
      if (from < first) first = from;
      if (to > last) last = to;
    }
    for (let x = first; x <= last; x++) {
      mix(canvas, y * width + x, strip.colour, strip.opacity * covered[x]);
      covered[x] = 0;
    }
  }
}

function isThere({ near, far, dash }: Strip, depth: number): boolean {
  if (near !== undefined && depth < near) return false;
  if (far !== undefined && depth > far) return false;
  if (!dash) return true;
  const along = (depth + dash.phase) / dash.period;
  return (along - Math.floor(along)) * dash.period < dash.length;
}
