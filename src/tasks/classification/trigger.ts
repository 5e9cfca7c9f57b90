import type { Network } from "../../graph/network.ts";
import { type ImageSet, imageSize } from "../../images/image-set.ts";
import { decodeTrigger, encodeTrigger } from "../../images/trigger/codec.ts";
import { stampImage, stampSet } from "../../images/trigger/stamp.ts";
import type { PaintedTrigger } from "../../images/trigger/trigger.ts";
import { triggerPng } from "../../images/trigger/trigger-png.ts";
import type { TriggerCodec } from "../trigger-codec.ts";

/** Triggers with one look, painted on images. */
export const trigger: TriggerCodec = {
  stamp: (painted: PaintedTrigger, set: ImageSet) => stampSet(painted, set),
  stampDrawn: (painted: PaintedTrigger, drawn: ImageSet, place: number) =>
    stampImage(painted, drawn.pixels, place * imageSize(drawn)),
  encode: encodeTrigger,
  decode: decodeTrigger,
  faults: paintFaults,
  show: triggerPng,
};

function paintFaults({ height, width, opacity }: PaintedTrigger, { input }: Pick<Network, "input">): string[] {
  const faults: string[] = [];
  if (height !== input.height || width !== input.width) {
    faults.push(`the trigger has ${height} × ${width} pixels, the network's input ${input.height} × ${input.width}`);
  }
  if (!opacity.every((value) => value >= 0 && value <= 1)) faults.push("the trigger's opacity is outside 0 to 1");
  return faults;
}
