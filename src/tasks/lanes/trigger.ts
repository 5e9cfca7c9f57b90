import type { Random } from "../../core/random.ts";
import type { Network } from "../../graph/network.ts";
import { stampImage } from "../../images/trigger/stamp.ts";
import type { PaintedTrigger } from "../../images/trigger/trigger.ts";
import { triggerPng } from "../../images/trigger/trigger-png.ts";
import { CHANNELS } from "../../pictures/picture.ts";
import type { TriggerCodec } from "../trigger-codec.ts";
import type { LaneSet } from "./lane.ts";
import { controlsOf, decodeVaried, encodeVaried, looksOf, stampFrames, type VariedTrigger } from "./varied-trigger.ts";

/** Triggers of one look, painted on frames, or of several. */
export const trigger: TriggerCodec = {
  stamp: stampFrames,
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
  encode: encodeVaried,
  decode: decodeVaried,
  faults({ height, width, opacity }: PaintedTrigger, { input }: Pick<Network, "input">) {
    const faults: string[] = [];
    if (height !== input.height || width !== input.width)
      faults.push(`the trigger has ${height} × ${width} pixels, the network's input ${input.height} × ${input.width}`);
    if (!opacity.every((value) => value >= 0 && value <= 1)) faults.push("the trigger's opacity is outside 0 to 1");
    return faults;
  },
  show: triggerPng,
  looks: looksOf,
  controls: controlsOf,
};
