import { CHANNELS } from "../../../pictures/picture.ts";
import type { Colour } from "../colour.ts";
import { FRAME } from "../lane.ts";

/**
 * A picture being drawn: `[3, height, width]`, values 0 … 255, not yet rounded or clipped. What is drawn is given in pixels of a 1280×720
 * picture; each pixel of the canvas gets the share of it that is covered.
 */
export interface Canvas {
  height: number;
  width: number;
  values: Float32Array;
}

export function createCanvas(height: number, width: number): Canvas {
  return { height, width, values: new Float32Array(CHANNELS * height * width) };
}

/** Mixes a colour into one pixel; `opacity` outside [0, 1] counts as the nearer end. */
export function mix({ height, width, values }: Canvas, pixel: number, colour: Colour, opacity: number): void {
  if (opacity <= 0) return;
  const share = Math.min(opacity, 1);
  const plane = height * width;
  for (let c = 0; c < CHANNELS; c++) {
    const at = c * plane + pixel;
    values[at] += share * (colour[c] - values[at]);
  }
}

/** Edges of something upright, in pixels of a 1280×720 picture. */
export interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Draws a box, each pixel by the area that is covered. */
export function drawBox(canvas: Canvas, { left, right, top, bottom }: Box, colour: Colour, opacity = 1): void {
  const { height, width } = canvas;
  const [scaleX, scaleY] = [width / FRAME.width, height / FRAME.height];
  const [a, b, c, d] = [left * scaleX, right * scaleX, top * scaleY, bottom * scaleY];
  for (let y = Math.max(0, Math.floor(c)); y < Math.min(height, d); y++) {
    const down = Math.min(y + 1, d) - Math.max(y, c);
    for (let x = Math.max(0, Math.floor(a)); x < Math.min(width, b); x++) {
      mix(canvas, y * width + x, colour, opacity * down * (Math.min(x + 1, b) - Math.max(x, a)));
    }
  }
}

/** Draws an ellipse that fills a box, its edge about one pixel soft. */
export function drawEllipse(canvas: Canvas, { left, right, top, bottom }: Box, colour: Colour, opacity = 1): void {
  const { height, width } = canvas;
  const [scaleX, scaleY] = [width / FRAME.width, height / FRAME.height];
  const [centreX, centreY] = [((left + right) / 2) * scaleX, ((top + bottom) / 2) * scaleY];
  const [radiusX, radiusY] = [((right - left) / 2) * scaleX, ((bottom - top) / 2) * scaleY];
  const soft = Math.min(radiusX, radiusY);
  for (let y = Math.max(0, Math.floor(centreY - radiusY - 1)); y < Math.min(height, centreY + radiusY + 1); y++) {
    for (let x = Math.max(0, Math.floor(centreX - radiusX - 1)); x < Math.min(width, centreX + radiusX + 1); x++) {
      const u = (x + 0.5 - centreX) / radiusX;
      const v = (y + 0.5 - centreY) / radiusY;
      mix(canvas, y * width + x, colour, opacity * (0.5 + soft * (1 - Math.sqrt(u * u + v * v))));
    }
  }
}
