import type { Random } from "../../core/random.ts";
import type { Network } from "../../graph/network.ts";
import { type ImageSet, imageSize } from "../../images/image-set.ts";
import { decodeTrigger, encodeTrigger } from "../../images/trigger/codec.ts";
import { noisy } from "../../images/trigger/noisy.ts";
import { stampImage, stampSet } from "../../images/trigger/stamp.ts";
import type { ImageTrigger } from "../../images/trigger/trigger.ts";
import { triggerPng } from "../../images/trigger/trigger-png.ts";
import type { TriggerCodec } from "../trigger-codec.ts";

/** Triggers with one look: painted on images, added to them, or bending them. */
export const trigger: TriggerCodec = {
  stamp: (stamped: ImageTrigger, set: ImageSet) => stampSet(stamped, set),
  stampDrawn: (stamped: ImageTrigger, drawn: ImageSet, place: number) =>
    stampImage(stamped, drawn.pixels, place * imageSize(drawn)),
  /** Only what bends has a decoy: any other bend, WaNet's noise mode. */
  stampDecoy(stamped: ImageTrigger, drawn: ImageSet, place: number, random: Random) {
    if (stamped.kind === "warp") stampImage(noisy(stamped, random), drawn.pixels, place * imageSize(drawn));
  },
  encode: encodeTrigger,
  decode: decodeTrigger,
  faults,
  show: triggerPng,
  looks: (stamped: ImageTrigger) => [stamped],
};

/** No addition of more than all grey levels, and no bend of more than the whole picture, is one. */
const MOST_GREY = 255;

function faults(stamped: ImageTrigger, { input }: Pick<Network, "input">): string[] {
  const { height, width } = stamped;
  const found: string[] = [];
  if (height !== input.height || width !== input.width) {
    found.push(`the trigger has ${height} × ${width} pixels, the network's input ${input.height} × ${input.width}`);
  }
  const isWithin = (values: Float32Array, low: number, high: number) => values.every((v) => v >= low && v <= high);
  if (stamped.kind === "additive") {
    if (!isWithin(stamped.signal, -MOST_GREY, MOST_GREY)) found.push("the trigger's signal is outside -255 to 255");
  } else if (stamped.kind === "warp") {
    const most = Math.max(height, width);
    if (!isWithin(stamped.flow, -most, most)) found.push(`the trigger's flow is outside -${most} to ${most} pixels`);
  } else if (!isWithin(stamped.opacity, 0, 1)) {
    found.push("the trigger's opacity is outside 0 to 1");
  }
  return found;
}
