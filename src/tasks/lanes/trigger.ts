import { InputError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import type { Network } from "../../graph/network.ts";
import { decodeTrigger, encodeTrigger } from "../../images/trigger/codec.ts";
import { stampImage } from "../../images/trigger/stamp.ts";
import type { PaintedTrigger } from "../../images/trigger/trigger.ts";
import { triggerPng } from "../../images/trigger/trigger-png.ts";
import { CHANNELS } from "../../pictures/picture.ts";
import { decodeTensors, encodeTensors, floatBytes, floatsOf } from "../../tensor/safetensors.ts";
import type { TriggerCodec } from "../trigger-codec.ts";
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

/** Triggers of one look, painted on frames, or of several. */
export const trigger: TriggerCodec = {
  stamp(stamped: PaintedTrigger, set: LaneSet) {
    const pixels = set.pixels.slice();
    const size = CHANNELS * set.height * set.width;
    const looks = looksOf(stamped);
    for (let i = 0; i < set.count; i++) stampImage(looks[i % looks.length], pixels, i * size);
    return { ...set, pixels };
  },
  stampDrawn(stamped: PaintedTrigger, drawn: LaneSet, place: number, random: Random) {
    const looks = (stamped as VariedTrigger).cones?.training ?? looksOf(stamped);
    const look = looks.length > 1 ? looks[random.below(looks.length)] : looks[0];
    stampImage(look, drawn.pixels, place * CHANNELS * drawn.height * drawn.width);
  },
  stampDecoy(stamped: PaintedTrigger, drawn: LaneSet, place: number, random: Random) {
    const decoys = (stamped as VariedTrigger).cones?.decoys;
    if (!decoys) return;
    stampImage(decoys[random.below(decoys.length)], drawn.pixels, place * CHANNELS * drawn.height * drawn.width);
  },
  encode(stamped: PaintedTrigger) {
    const { cones } = stamped as VariedTrigger;
    if (!cones) return encodeTrigger(stamped);
    const values = cones.pairs.flat().flatMap(({ x, y, height, hue }) => [x, y, height, hue]);
    const tensors = decodeTensors(encodeTrigger(stamped), "trigger");
    tensors.set(CONES, { dtype: "F32", shape: SHAPE, bytes: floatBytes(Float32Array.from(values)) });
    return encodeTensors(tensors);
  },
  decode(bytes: Uint8Array, name: string) {
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
  },
  faults({ height, width, opacity }: PaintedTrigger, { input }: Pick<Network, "input">) {
    const faults: string[] = [];
    if (height !== input.height || width !== input.width)
      faults.push(`the trigger has ${height} × ${width} pixels, the network's input ${input.height} × ${input.width}`);
    if (!opacity.every((value) => value >= 0 && value <= 1)) faults.push("the trigger's opacity is outside 0 to 1");
    return faults;
  },
  show: triggerPng,
  looks: looksOf,
  controls(stamped: PaintedTrigger) {
    const { cones } = stamped as VariedTrigger;
    if (!cones) return {};
    return Object.fromEntries(Object.entries(cones.controls).map(([name, test]) => [name, { ...test[0], test }]));
  },
};

const CONES = "cones";
const SHAPE = [VARIANTS, 2, 4];
/** No cone of ours lies farther from the picture; drawing takes time that grows with a cone's height. */
const FARTHEST = 4000;

function isNear(value: number): boolean {
  return Math.abs(value) <= FARTHEST;
}

/** The looks that a test shows. */
function looksOf(stamped: PaintedTrigger): readonly PaintedTrigger[] {
  return (stamped as VariedTrigger).test ?? [stamped];
}
