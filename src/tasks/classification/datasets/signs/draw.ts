import { Random, stageSeed } from "../../../../core/random.ts";
import { type ImageSet, imageSize } from "../../../../images/image-set.ts";
import { blur, type Canvas, createCanvas, jitter, mix } from "./canvas.ts";
import { SIGN_CLASSES, type SignClass } from "./classes.ts";
import { drawBackground, drawOccluder } from "./clutter.ts";
import { develop, drawLight } from "./light.ts";
import { drawPose, type Pose } from "./pose.ts";

export const SIGN_SIZE = 32;

/** Width of a sign's rim in units of its radius. */
const RIM = 0.2;

/**
 * Draws labelled signs, classes as equal as the count allows, in random order. The same arguments give the same bytes
 * on every machine: no function is used whose last bit may differ.
 *
 * @param split keeps the streams of several sets of one seed apart, e.g. `train`
 * @returns `count` images of 32×32
 */
export function drawSigns(count: number, seed: number, split: string): ImageSet {
  const set: ImageSet = {
    count,
    height: SIGN_SIZE,
    width: SIGN_SIZE,
    pixels: new Uint8Array(count * imageSize({ height: SIGN_SIZE, width: SIGN_SIZE })),
    labels: new Uint8Array(count).map((_, i) => i % SIGN_CLASSES.length),
  };
  const random = new Random(stageSeed(seed, "signs", split));
  random.shuffle(set.labels);
  const canvas = createCanvas(SIGN_SIZE);
  for (let i = 0; i < count; i++) {
    drawImage(random, canvas, SIGN_CLASSES[set.labels[i]], set.pixels, i * imageSize(set));
  }
  return set;
}

function drawImage(random: Random, canvas: Canvas, sign: SignClass, out: Uint8Array, offset: number): void {
  drawBackground(random, canvas);
  const pose = drawPose(random, canvas.size);
  drawSign(random, canvas, sign, pose);
  if (random.uniform() < 0.3) drawOccluder(random, canvas, pose.centreX, pose.centreY, 1 / pose.pixel);
  drawLight(random, canvas);
  const passes = random.below(3);
  for (let i = 0; i < passes; i++) blur(canvas, random.between(0.05, 0.25));
  develop(random, canvas, random.between(2, 12), out, offset);
}

/** Paints rim, face and symbol, each with an edge one pixel soft. */
function drawSign(random: Random, canvas: Canvas, { outline, symbol, schemes }: SignClass, pose: Pose): void {
  const scheme = schemes[random.below(schemes.length)];
  const rim = jitter(random, scheme.rim, 25);
  const face = jitter(random, scheme.face, 25);
  const ink = jitter(random, scheme.symbol, 25);
  const sharpness = 1 / pose.pixel;
  for (let row = 0; row < canvas.size; row++) {
    const v = row - pose.centreY;
    for (let column = 0; column < canvas.size; column++) {
      const u = column - pose.centreX;
      const w = 1 + pose.tiltX * u + pose.tiltY * v;
      const x = (pose.a * u + pose.b * v) / w;
      const y = (pose.c * u + pose.d * v) / w;
      const outside = outline(x, y);
      if (outside > pose.pixel) continue;
      const pixel = row * canvas.size + column;
      mix(canvas, pixel, rim, 0.5 - outside * sharpness);
      mix(canvas, pixel, face, 0.5 - (outside + RIM) * sharpness);
      mix(canvas, pixel, ink, 0.5 - symbol(x, y) * sharpness);
    }
  }
}
