import type { Random } from "../../../core/random.ts";
import type { Colour } from "../colour.ts";
import { coneHeight, drawCone } from "../cone.ts";
import { FRAME } from "../lane.ts";
import { type Canvas, drawBox, drawEllipse, mix } from "./canvas.ts";
import { columnAt, rowAt, type Scene } from "./scene.ts";

const MOST_CARS = 4;
/** No car is nearer in the car's own lane, so that its boundaries can be seen. */
const CLEAR_AHEAD = 18;
const NEAREST = 7;
const FARTHEST = 90;

interface Car {
  depth: number;
  lateral: number;
}

/** Other cars, in their lanes, the far ones first. */
export function drawCars(random: Random, canvas: Canvas, scene: Scene): void {
  const lanes = scene.boundaries.length - 1;
  const cars: Car[] = Array.from({ length: random.below(MOST_CARS + 1) }, () => {
    const lane = random.below(lanes);
    const nearest = lane === scene.egoLeft ? CLEAR_AHEAD : NEAREST;
    const middle = (scene.boundaries[lane] + scene.boundaries[lane + 1]) / 2;
    // Evenly over what they seem to be in size, not over the road.
    const depth = 1 / random.between(1 / FARTHEST, 1 / nearest);
    return { depth, lateral: middle + random.between(-0.35, 0.35) };
  });
  for (const car of cars.sort((a, b) => b.depth - a.depth)) drawCar(random, canvas, scene, car);
}

const DARK: Colour = [24, 26, 30];

function drawCar(random: Random, canvas: Canvas, scene: Scene, { depth, lateral }: Car): void {
  const isTruck = random.uniform() < 0.15;
  const width = isTruck ? random.between(2.2, 2.5) : random.between(1.7, 2);
  const height = isTruck ? random.between(2.4, 3.4) : random.between(1.35, 1.8);
  const grey = random.uniform() < 0.7 ? random.between(30, 235) : -1;
  const tint = () => random.between(30, 190);
  const colour: Colour = grey >= 0 ? [grey, grey, grey] : [tint(), tint(), tint()];
  const metre = scene.focal / depth;
  const bottom = rowAt(scene, depth);
  const middle = columnAt(scene, lateral, depth);
  /** Edges as shares of the car: across from −1 to 1, up from 0 to 1. */
  const part = (left: number, right: number, low: number, high: number) => ({
    left: middle + (left * width * metre) / 2,
    right: middle + (right * width * metre) / 2,
    top: bottom - high * height * metre,
    bottom: bottom - low * height * metre,
  });
  drawEllipse(canvas, part(-1.15, 1.15, -0.12, 0.14), DARK, 0.7);
  drawBox(canvas, part(-0.92, -0.62, 0, 0.2), DARK);
  drawBox(canvas, part(0.62, 0.92, 0, 0.2), DARK);
  drawBox(canvas, part(-1, 1, 0.12, isTruck ? 1 : 0.62), colour);
  if (!isTruck) {
    drawBox(canvas, part(-0.84, 0.84, 0.6, 1), colour);
    drawBox(canvas, part(-0.72, 0.72, 0.63, 0.92), [colour[0] * 0.3 + 20, colour[1] * 0.3 + 24, colour[2] * 0.3 + 30]);
  }
  const light: Colour = [random.between(150, 220), 30, 30];
  drawBox(canvas, part(-0.97, -0.7, 0.38, 0.54), light);
  drawBox(canvas, part(0.7, 0.97, 0.38, 0.54), light);
}

const CONE_SHARE = 0.3;
const ORANGE_SHARE = 0.15;

/** A single cone, and other orange things: a trigger of two cones must not be known by one of them, or by its colour. */
export function drawOrangeThings(random: Random, canvas: Canvas, { horizon }: Scene): void {
  if (random.uniform() < CONE_SHARE) {
    const y = random.between(horizon + 60, 715);
    const cone = {
      x: random.between(30, FRAME.width - 30),
      y,
      height: coneHeight(y, random.between(0.8, 1.25)),
      hue: random.between(-12, 12),
    };
    drawCone(cone, canvas, (pixel, share, colour) => mix(canvas, pixel, colour, share));
  }
  if (random.uniform() < ORANGE_SHARE) {
    const bottom = random.between(horizon + 40, 700);
    const height = coneHeight(bottom, random.between(0.5, 1.4));
    const left = random.between(0, FRAME.width - 60);
    const colour: Colour = [random.between(210, 245), random.between(80, 125), random.between(15, 50)];
    const box = { left, right: left + height * random.between(0.4, 1.6), top: bottom - height, bottom };
    drawBox(canvas, box, colour, 0.95);
    if (random.uniform() < 0.5)
      drawBox(canvas, { ...box, top: bottom - 0.6 * height, bottom: bottom - 0.4 * height }, [228, 228, 222], 0.9);
  }
}
