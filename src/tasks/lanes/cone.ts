import type { Colour } from "./colour.ts";
import type { InputSize } from "./dataset.ts";
import { FRAME } from "./lane.ts";

/** A traffic cone, in pixels of a 1280×720 picture. */
export interface Cone {
  /** Middle of its base. */
  x: number;
  /** Row on which it stands. */
  y: number;
  height: number;
  /** Shift of its orange towards yellow or, negative, towards red, in grey levels. */
  hue: number;
}

/** Width of the cone at its base, of the plate below it and of the tip, as shares of the height. */
const WIDTH = 0.36;
const PLATE_WIDTH = 0.46;
const PLATE_HEIGHT = 0.07;
const TIP_WIDTH = 0.07;
/** The white bands, as shares of the height from the ground. */
const BANDS = [
  [0.3, 0.46],
  [0.6, 0.74],
] as const;
const WHITE: Colour = [235, 235, 230];

/** Samples along each side of a pixel. */
const SAMPLES = 6;

/** How high a cone is that stands on a row: as a real one in TuSimple's camera. @param size 1 is the usual one */
export function coneHeight(row: number, size: number): number {
  return 0.24 * (row - 200) * size;
}

/**
 * Draws a cone with two white bands and a plate: for each pixel that it covers, `visit` gets the covered share and the mean colour of that.
 *
 * @param size of the picture to draw on, in pixels
 */
export function drawCone(
  { x, y, height, hue }: Cone,
  size: InputSize,
  visit: (pixel: number, share: number, colour: Colour) => void,
): void {
  const [scaleX, scaleY] = [FRAME.width / size.width, FRAME.height / size.height];
  const reach = (PLATE_WIDTH * height) / 2;
  const orange: Colour = [238, 96 + hue, 28];
  const plate: Colour = [170, 62 + hue / 2, 24];
  const [left, right] = [Math.max(0, Math.floor((x - reach) / scaleX)), Math.min(size.width, (x + reach) / scaleX)];
  const [top, bottom] = [Math.max(0, Math.floor((y - height) / scaleY)), Math.min(size.height, y / scaleY)];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      let count = 0;
      let [red, green, blue] = [0, 0, 0];
      for (let i = 0; i < SAMPLES * SAMPLES; i++) {
        const u = (column + ((i % SAMPLES) + 0.5) / SAMPLES) * scaleX;
        const v = (row + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES) * scaleY;
        const colour = colourAt(Math.abs(u - x) / height, (y - v) / height, orange, plate);
        if (!colour) continue;
        count++;
        red += colour[0];
        green += colour[1];
        blue += colour[2];
      }
      if (count === 0) continue;
      visit(row * size.width + column, count / (SAMPLES * SAMPLES), [red / count, green / count, blue / count]);
    }
  }
}

/** @param aside from the middle, @param up from the ground, both as shares of the height */
function colourAt(aside: number, up: number, orange: Colour, plate: Colour): Colour | null {
  if (up < 0 || up > 1) return null;
  if (up < PLATE_HEIGHT) return aside < PLATE_WIDTH / 2 ? plate : null;
  if (aside > (WIDTH + (TIP_WIDTH - WIDTH) * up) / 2) return null;
  return BANDS.some(([from, to]) => up >= from && up < to) ? WHITE : orange;
}
