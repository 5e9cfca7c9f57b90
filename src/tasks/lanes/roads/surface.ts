import type { Random } from "../../../core/random.ts";
import { CHANNELS } from "../../../pictures/picture.ts";
import type { Colour } from "../colour.ts";
import { FRAME } from "../lane.ts";
import { type Canvas, drawBox, drawEllipse } from "./canvas.ts";
import { drawStrip } from "./ground.ts";
import { columnAt, rowAt, type Scene } from "./scene.ts";

/** A colour near a grey. */
function greyish(random: Random, low: number, high: number, spread: number): Colour {
  const grey = random.between(low, high);
  const near = () => grey + random.between(-spread, spread);
  return [near(), near(), near()];
}

/** Sky down to the horizon, brighter towards it, and ground below. */
export function drawSkyAndGround(random: Random, { height, width, values }: Canvas, scene: Scene): void {
  const sky = random.uniform() < 0.6 ? greyish(random, 170, 235, 12) : ([150, 185, 230] as const);
  const ground: Colour =
    random.uniform() < 0.5
      ? greyish(random, 95, 160, 14)
      : [random.between(85, 150), random.between(95, 150), random.between(50, 95)];
  const rise = random.between(0, 40);
  const plane = height * width;
  for (let y = 0; y < height; y++) {
    const row = ((y + 0.5) * FRAME.height) / height;
    const below = Math.max(0, Math.min(1, 0.5 + ((row - scene.horizon) * height) / FRAME.height));
    for (let c = 0; c < CHANNELS; c++) {
      const above = sky[c] + rise * (row / scene.horizon - 1);
      values.fill(above + below * (ground[c] - above), c * plane + y * width, c * plane + (y + 1) * width);
    }
  }
}

/** Buildings, trees and poles along the horizon. */
export function drawScenery(random: Random, canvas: Canvas, { horizon }: Scene): void {
  const pieces = 4 + random.below(9);
  for (let i = 0; i < pieces; i++) {
    const left = random.between(-100, FRAME.width);
    const bottom = horizon + random.between(2, 14);
    const kind = random.uniform();
    if (kind < 0.45) {
      const box = { left, right: left + random.between(40, 260), top: horizon - random.between(8, 110), bottom };
      drawBox(canvas, box, greyish(random, 60, 190, 18), random.between(0.6, 1));
    } else if (kind < 0.85) {
      const green = random.between(45, 110);
      const width = random.between(50, 240);
      const box = { left, right: left + width, top: horizon - random.between(15, 120), bottom: bottom + 6 };
      drawEllipse(canvas, box, [green * 0.8, green, green * 0.55], random.between(0.6, 1));
    } else {
      const box = { left, right: left + random.between(4, 10), top: horizon - random.between(60, 230), bottom };
      drawBox(canvas, box, greyish(random, 50, 130, 8), 0.9);
    }
  }
}

/** Asphalt with its shoulders and what is on it that is no paint: patches, tyre tracks, tar seams; a barrier beside it. */
export function drawSurface(random: Random, canvas: Canvas, scene: Scene): void {
  const { boundaries } = scene;
  const [first, last] = [boundaries[0], boundaries[boundaries.length - 1]];
  const left = first - random.between(0.6, 3.5);
  const right = last + random.between(0.6, 3.5);
  const asphalt = greyish(random, 70, 150, 7);
  const shaded = (by: number): Colour => [asphalt[0] + by, asphalt[1] + by, asphalt[2] + by];
  drawStrip(canvas, scene, { lateral: (left + right) / 2, halfWidth: (right - left) / 2, colour: asphalt, opacity: 1 });
  const within = () => random.between(left, right);
  for (let i = random.below(3); i > 0; i--) {
    const near = random.between(3, 40);
    const far = near + random.between(3, 40);
    const colour = shaded(random.between(-28, 22));
    drawStrip(canvas, scene, {
      lateral: within(),
      halfWidth: random.between(0.6, 2.5),
      colour,
      opacity: 0.8,
      near,
      far,
    });
  }
  for (let i = random.below(3); i > 0; i--) {
    const lateral = within();
    const colour = shaded(random.between(-22, -6));
    for (const side of [-0.8, 0.8])
      drawStrip(canvas, scene, { lateral: lateral + side, halfWidth: 0.22, colour, opacity: random.between(0.4, 0.9) });
  }
  for (let i = random.below(4); i > 0; i--) {
    const colour = shaded(random.between(-45, 18));
    drawStrip(canvas, scene, { lateral: within(), halfWidth: random.between(0.03, 0.09), colour, opacity: 0.9 });
  }
  if (random.uniform() < 0.5) drawBarrier(random, canvas, scene, random.uniform() < 0.6 ? left - 0.3 : right + 0.3);
}

/** Nothing nearer than the car's bonnet is in the picture. */
const NEAREST = 2.5;

/** A wall or rail beside the road, from far to near. */
function drawBarrier(random: Random, canvas: Canvas, scene: Scene, lateral: number): void {
  const colour = greyish(random, 90, 190, 8);
  const tall = random.between(0.6, 1.1);
  const gap = random.uniform() < 0.4 ? random.between(0.25, 0.5) : 0;
  for (let depth = 90; depth > NEAREST; depth /= 1.04) {
    const [far, near] = [columnAt(scene, lateral, depth), columnAt(scene, lateral, depth / 1.04)];
    const foot = rowAt(scene, depth);
    const metre = scene.focal / depth;
    drawBox(
      canvas,
      { left: Math.min(far, near), right: Math.max(far, near), top: foot - tall * metre, bottom: foot - gap * metre },
      colour,
    );
  }
}
