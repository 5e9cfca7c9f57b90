import type { Random } from "../../../core/random.ts";
import type { Colour } from "../colour.ts";
import type { Canvas } from "./canvas.ts";
import { drawStrip } from "./ground.ts";
import type { Scene } from "./scene.ts";

const WHITE_SHARE = 0.8;
const DASHED_INSIDE = 0.75;
const DASHED_OUTSIDE = 0.35;

/** Paints every boundary, solid or dashed, fresh or worn. Boundaries are painted from left to right. */
export function drawPaint(random: Random, canvas: Canvas, scene: Scene): void {
  const last = scene.boundaries.length - 1;
  for (const [i, lateral] of scene.boundaries.entries()) {
    const isOutside = i === 0 || i === last;
    const isWhite = random.uniform() < WHITE_SHARE;
    const grey = random.between(200, 250);
    const colour: Colour = isWhite ? [grey, grey, grey - 4] : [grey - 10, grey - 60, grey - 150];
    const isDashed = random.uniform() < (isOutside ? DASHED_OUTSIDE : DASHED_INSIDE);
    const period = random.between(9, 13);
    const dash = { length: random.between(2.4, 4.5), period, phase: random.between(0, period) };
    drawStrip(canvas, scene, {
      lateral,
      halfWidth: random.between(0.06, 0.1),
      colour,
      opacity: random.between(0.35, 1),
      ...(isDashed ? { dash } : {}),
    });
  }
}
