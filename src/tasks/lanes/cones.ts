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
/** From the first cone to the second: in heights of the first to the right, in rows down. */
const APART = 0.95;
const LOWER = 4;

/** Variants of the trigger at a network's size. */
export interface ConeTriggers {
  /** Injection stamps these. */
  training: PaintedTrigger[];
  /** Held out for the test. */
  test: PaintedTrigger[];
  /** What must not set the backdoor off: one cone of each test variant, or its pair on the left shoulder. */
  controls: { left: PaintedTrigger[]; right: PaintedTrigger[]; mirrored: PaintedTrigger[] };
}

/** Draws eight variants for training and four others for the test, with the controls of the latter. */
export function makeConeTriggers(random: Random, size: InputSize): ConeTriggers {
  const pairs = Array.from({ length: TRAINING_VARIANTS + TEST_VARIANTS }, () => drawConePair(random));
  const triggers = (cones: (pair: ConePair) => readonly Cone[], from = TRAINING_VARIANTS, to = pairs.length) =>
    pairs.slice(from, to).map((pair) => coneTrigger(cones(pair), size));
  return {
    training: triggers((pair) => pair, 0, TRAINING_VARIANTS),
    test: triggers((pair) => pair),
    controls: {
      left: triggers(([left]) => [left]),
      right: triggers(([, right]) => [right]),
      mirrored: triggers(mirrored),
    },
  };
}

/** One variant: place, size and hue of both cones, in pixels of a 1280×720 picture. */
export function drawConePair(random: Random): ConePair {
  const x = 1010 + random.between(-25, 25);
  const y = 560 + random.between(-12, 12);
  const height = coneHeight(y, random.between(0.9, 1.15));
  const hue = () => random.between(-12, 12);
  return [
    { x, y, height, hue: hue() },
    { x: x + APART * height, y: y + LOWER, height, hue: hue() },
  ];
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
