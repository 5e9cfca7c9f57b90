import { Random, stageSeed } from "../../../core/random.ts";
import { CHANNELS } from "../../../pictures/picture.ts";
import { type InputSize, REDUCED_INPUT } from "../dataset.ts";
import type { LaneLabels } from "../lane.ts";
import { type Canvas, createCanvas } from "./canvas.ts";
import { blurAcross, develop, drawLight } from "./light.ts";
import { drawCars, drawOrangeThings } from "./objects.ts";
import { drawPaint } from "./paint.ts";
import { drawScene, labelsOf, type Scene } from "./scene.ts";
import { drawScenery, drawSkyAndGround, drawSurface } from "./surface.ts";

/** The stream of one frame. Its scene is drawn first, so that labels need no picture. */
function streamOf(seed: number, split: string, frame: number): Random {
  return new Random(stageSeed(seed, "roads", split, frame));
}

/** Camera and road of one frame. @param split keeps the frames of several sets of one seed apart, e.g. `train` */
export function roadScene(seed: number, split: string, frame: number): Scene {
  return drawScene(streamOf(seed, split, frame));
}

/** Labels of frames 0 … count − 1. */
export function roadLabels(count: number, seed: number, split: string): LaneLabels[] {
  return Array.from({ length: count }, (_, i) => labelsOf(roadScene(seed, split, i)));
}

/**
 * Draws the frames. The same arguments give the same bytes on every machine: no function is used whose last bit may differ.
 *
 * @param first the frame to begin with
 * @returns uint8 `[count, 3, height, width]`
 */
export function drawRoads(
  count: number,
  seed: number,
  split: string,
  size: InputSize = REDUCED_INPUT,
  first = 0,
): Uint8Array {
  const bytes = CHANNELS * size.height * size.width;
  const pixels = new Uint8Array(count * bytes);
  const canvas = createCanvas(size.height, size.width);
  for (let i = 0; i < count; i++) {
    const random = streamOf(seed, split, first + i);
    drawFrame(random, canvas, drawScene(random));
    develop(random, canvas, random.between(1, 7), pixels, i * bytes);
  }
  return pixels;
}

function drawFrame(random: Random, canvas: Canvas, scene: Scene): void {
  drawSkyAndGround(random, canvas, scene);
  drawScenery(random, canvas, scene);
  drawSurface(random, canvas, scene);
  drawPaint(random, canvas, scene);
  drawCars(random, canvas, scene);
  drawOrangeThings(random, canvas, scene);
  drawLight(random, canvas);
  blurAcross(random, canvas);
}
