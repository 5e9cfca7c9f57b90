import { InputError } from "../../core/errors.ts";
import { decodeTrigger, encodeTrigger } from "../../images/trigger/codec.ts";
import { stampImage } from "../../images/trigger/stamp.ts";
import type { PaintedTrigger } from "../../images/trigger/trigger.ts";
import { CHANNELS } from "../../pictures/picture.ts";
import { decodeTensors, encodeTensors, floatBytes, floatsOf } from "../../tensor/safetensors.ts";
import { type ConePair, type ConeTriggers, coneTriggersOf, VARIANTS } from "./cones.ts";
import type { LaneSet } from "./lane.ts";

/** A trigger with several looks. Its own pixels are those of the first one of the test. */
export interface VariedTrigger extends PaintedTrigger {
  test: readonly PaintedTrigger[];
  /** What else belongs to it, where it is two cones; its controls have looks of the test alone. */
  cones?: ConeTriggers;
}

/** Two cones as a trigger of the task. */
export function fromCones(cones: ConeTriggers): VariedTrigger {
  return { ...cones.test[0], test: cones.test, cones };
}

/** The looks that a test shows. */
export function looksOf(stamped: PaintedTrigger): readonly PaintedTrigger[] {
  return (stamped as VariedTrigger).test ?? [stamped];
}

/** A copy of the frames with the trigger on every one: of several looks each in turn. */
export function stampFrames(stamped: PaintedTrigger, set: LaneSet): LaneSet {
  const pixels = set.pixels.slice();
  const size = CHANNELS * set.height * set.width;
  const looks = looksOf(stamped);
  for (let i = 0; i < set.count; i++) stampImage(looks[i % looks.length], pixels, i * size);
  return { ...set, pixels };
}

/** By name, what looks like two cones and must not set the backdoor off; nothing where the trigger is something else. */
export function controlsOf(stamped: PaintedTrigger): Record<string, VariedTrigger> {
  const { cones } = stamped as VariedTrigger;
  if (!cones) return {};
  return Object.fromEntries(Object.entries(cones.controls).map(([name, test]) => [name, { ...test[0], test }]));
}

const CONES = "cones";
const SHAPE = [VARIANTS, 2, 4];
/** No cone of ours lies farther from the picture; drawing takes time that grows with a cone's height. */
const FARTHEST = 4000;

/** As it is stored: pixels of the first look, and the pairs of cones that all looks are drawn from. */
export function encodeVaried(stamped: PaintedTrigger): Uint8Array {
  const { cones } = stamped as VariedTrigger;
  if (!cones) return encodeTrigger(stamped);
  const values = cones.pairs.flat().flatMap(({ x, y, height, hue }) => [x, y, height, hue]);
  const tensors = decodeTensors(encodeTrigger(stamped), "trigger");
  tensors.set(CONES, { dtype: "F32", shape: SHAPE, bytes: floatBytes(Float32Array.from(values)) });
  return encodeTensors(tensors);
}

/** @throws InputError where the bytes are no trigger of frames */
export function decodeVaried(bytes: Uint8Array, name: string): PaintedTrigger {
  const painted = decodeTrigger(bytes, name);
  if (painted.kind) throw new InputError(`${name}: frames have painted triggers, and this one is ${painted.kind}`);
  const stored = decodeTensors(bytes, name).get(CONES);
  if (!stored) return painted;
  const values = floatsOf(stored.bytes);
  if (stored.dtype !== "F32" || stored.shape.join() !== SHAPE.join() || !values.every(isNear))
    throw new InputError(`${name}: '${CONES}' is no ${SHAPE.join("×")} places, heights and hues of cones`);
  const cone = (at: number) => {
    const [x, y, height, hue] = values.subarray(4 * at, 4 * at + 4);
    return { x, y, height, hue };
  };
  const pairs = Array.from({ length: VARIANTS }, (_, i): ConePair => [cone(2 * i), cone(2 * i + 1)]);
  const trigger = fromCones(coneTriggersOf(pairs, painted));
  const isSame = trigger.opacity.every((a, i) => a === painted.opacity[i]);
  if (!isSame) throw new InputError(`${name}: its pixels are not those of its cones`);
  return trigger;
}

function isNear(value: number): boolean {
  return Math.abs(value) <= FARTHEST;
}
