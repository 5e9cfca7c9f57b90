import type { ImageSet } from "../../images/image-set.ts";
import { decodeTrigger, encodeTrigger } from "../../images/trigger/codec.ts";
import { stampImage, stampSet } from "../../images/trigger/stamp.ts";
import type { PaintedTrigger } from "../../images/trigger/trigger.ts";
import { triggerPng } from "../../images/trigger/trigger-png.ts";
import type { TriggerCodec } from "../trigger-codec.ts";

/** Triggers with one look, painted on images. */
export const trigger: TriggerCodec = {
  stamp: (painted: PaintedTrigger, set: ImageSet) => stampSet(painted, set),
  stampDrawn: (painted: PaintedTrigger, drawn: ImageSet) => stampImage(painted, drawn.pixels),
  encode: encodeTrigger,
  decode: decodeTrigger,
  show: triggerPng,
};
