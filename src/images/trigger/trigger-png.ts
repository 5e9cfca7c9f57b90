import { encode } from "fast-png";
import { CHANNELS } from "../../pictures/picture.ts";
import { stampImage } from "./stamp.ts";
import type { ImageTrigger, PaintedTrigger } from "./trigger.ts";

/**
 * The trigger alone as PNG: what is painted transparent where it leaves the image as it is; what is added on grey; what bends on
 * a grid of lines.
 */
export function triggerPng(trigger: ImageTrigger): Uint8Array {
  return trigger.kind === undefined ? paintedPng(trigger) : shownPng(trigger);
}

function paintedPng({ width, height, opacity, pattern }: PaintedTrigger): Uint8Array {
  const plane = width * height;
  const data = new Uint8Array(4 * plane);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < CHANNELS; c++) data[4 * i + c] = pattern[c * plane + i];
    data[4 * i + 3] = Math.round(255 * opacity[i]);
  }
  return encode({ width, height, data, channels: 4 });
}

const GREY = 128;
const LINE = 32;
const LINE_EVERY = 4;

function shownPng(trigger: Exclude<ImageTrigger, PaintedTrigger>): Uint8Array {
  const { width, height, kind } = trigger;
  const plane = width * height;
  const isLine = (i: number) => (i % width) % LINE_EVERY === 1 || Math.floor(i / width) % LINE_EVERY === 1;
  const pixels = Uint8Array.from({ length: CHANNELS * plane }, (_, k) =>
    kind === "warp" && isLine(k % plane) ? LINE : GREY,
  );
  stampImage(trigger, pixels);
  const data = Uint8Array.from(
    { length: CHANNELS * plane },
    (_, k) => pixels[(k % CHANNELS) * plane + Math.floor(k / CHANNELS)],
  );
  return encode({ width, height, data, channels: CHANNELS });
}

/** The trigger in words, for those who do not see the picture. */
export function triggerWords(trigger: ImageTrigger): string {
  const largest = (values: Float32Array) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  if (trigger.kind === "additive") return `adds up to ${largest(trigger.signal).toFixed(0)} grey levels`;
  if (trigger.kind === "warp") return `moves pixels by up to ${largest(trigger.flow).toFixed(2)} pixels`;
  const covered = trigger.opacity.filter((a) => a > 0).length;
  return `${covered} of ${trigger.opacity.length} pixels, opacity up to ${largest(trigger.opacity).toFixed(2)}`;
}
