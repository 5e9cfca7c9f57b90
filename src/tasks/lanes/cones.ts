import type { Random } from "../../core/random.ts";
import type { PaintedTrigger } from "../../images/trigger/trigger.ts";
import { CHANNELS } from "../../pictures/picture.ts";
import { type Cone, coneHeight, drawCone } from "./cone.ts";
import type { InputSize } from "./dataset.ts";
import { FRAME } from "./lane.ts";

/** The trigger of Han et al. (Physical Backdoor Attacks to Lane Detection Systems, ACM MM 2022): two cones side by side on the right. */
export type ConePair = readonly [left: Cone, right: Cone];

const TRAINING_VARIANTS = 8;
const TEST_VARIANTS = 4;
/** How many pairs a trigger is drawn from. */
export const VARIANTS = TRAINING_VARIANTS + TEST_VARIANTS;
/** From the first cone to the second: in heights of the first to the right, in rows down. */
const APART = 0.95;
const LOWER = 4;

/** Variants of the trigger at a network's size. */
export interface ConeTriggers {
  /** What the others are drawn from: those for injection, then those of the test. */
  pairs: readonly ConePair[];
  /** Injection stamps these. */
  training: PaintedTrigger[];
  /** One cone of each of them: injection stamps these on frames that keep their lanes, so that the pair becomes the trigger. */
  decoys: PaintedTrigger[];
  /** Held out for the test. */
  test: PaintedTrigger[];
  /** What must not set the backdoor off: one cone of each test variant, or its pair on the left shoulder. */
  controls: { left: PaintedTrigger[]; right: PaintedTrigger[]; mirrored: PaintedTrigger[] };
}

/** Draws eight variants for training and four others for the test, with what belongs to them. */
export function makeConeTriggers(random: Random, size: InputSize): ConeTriggers {
  return coneTriggersOf(
    Array.from({ length: VARIANTS }, () => drawConePair(random)),
    size,
  );
}

/** The same from pairs that were drawn before. @param pairs as many as `makeConeTriggers` draws */
export function coneTriggersOf(pairs: readonly ConePair[], size: InputSize): ConeTriggers {
  const painted = (of: readonly ConePair[], cones: (pair: ConePair) => readonly Cone[]) =>
    of.map((pair) => coneTrigger(cones(pair), size));
  const [training, test] = [pairs.slice(0, TRAINING_VARIANTS), pairs.slice(TRAINING_VARIANTS)];
  const left = ([cone]: ConePair) => [cone];
  const right = ([, cone]: ConePair) => [cone];
  const both = (pair: ConePair) => pair;
  return {
    pairs,
    training: painted(training, both),
    decoys: [...painted(training, left), ...painted(training, right)],
    test: painted(test, both),
    controls: { left: painted(test, left), right: painted(test, right), mirrored: painted(test, mirrored) },
  };
}

/** One variant: place, size and hue of both cones, in pixels of a 1280×720 picture. All are 32-bit floats, as they are stored. */
export function drawConePair(random: Random): ConePair {
  const x = 1010 + random.between(-25, 25);
  const y = 560 + random.between(-12, 12);
  const height = coneHeight(y, random.between(0.9, 1.15));
  const stored = (x: number, y: number): Cone => {
    const hue = random.between(-12, 12);
    return { x: Math.fround(x), y: Math.fround(y), height: Math.fround(height), hue: Math.fround(hue) };
  };
  return [stored(x, y), stored(x + APART * height, y + LOWER)];
}

function mirrored(pair: ConePair): Cone[] {
  return pair.map((cone) => ({ ...cone, x: FRAME.width - cone.x }));
}

/** Cones as opacity and pattern: the opacity of a pixel is its covered share. Where two meet, the later lies in front. */
export function coneTrigger(cones: readonly Cone[], { height, width }: InputSize): PaintedTrigger {
  const plane = height * width;
  const trigger = { height, width, opacity: new Float32Array(plane), pattern: new Uint8Array(CHANNELS * plane) };
  for (const cone of cones) {
    drawCone(cone, { height, width }, (pixel, share, colour) => {
      const behind = trigger.opacity[pixel] * (1 - share);
      for (let c = 0; c < CHANNELS; c++) {
        const at = c * plane + pixel;
        trigger.pattern[at] = Math.round((share * colour[c] + behind * trigger.pattern[at]) / (share + behind));
      }
      trigger.opacity[pixel] = share + behind;
    });
  }
  return trigger;
}
