import { encode } from "fast-png";
import { CHANNELS } from "../../pictures/picture.ts";
import type { Drawing, DrawnLine } from "../drawing.ts";
import { decodeLanes, gridOfLogits } from "./labels.ts";
import { FRAME, isSeen, type Lane, type LaneSet } from "./lane.ts";
import { scoreFrame } from "./metric.ts";
import { fromSlots } from "./slots.ts";

/** The lanes that a network's output says. */
export function lanesOf(output: Float32Array, { labels }: LaneSet, i: number): Lane[] {
  return fromSlots(decodeLanes(output, gridOfLogits(output.length), labels[i].rows));
}

/** Frames at the size of the network, lanes as lines over them. */
export const drawing: Drawing = {
  aspect: FRAME.width / FRAME.height,
  show({ pixels, height, width }: LaneSet, i: number) {
    const plane = height * width;
    const data = new Uint8Array(CHANNELS * plane);
    for (let p = 0; p < plane; p++) {
      for (let c = 0; c < CHANNELS; c++) data[CHANNELS * p + c] = pixels[(CHANNELS * i + c) * plane + p];
    }
    return { png: encode({ width, height, data, channels: CHANNELS }), width, height };
  },
  truth: ({ labels }: LaneSet, i: number) => linesOf(labels[i].lanes, labels[i].rows),
  answer: (output: Float32Array, set: LaneSet, i: number) => linesOf(lanesOf(output, set, i), set.labels[i].rows),
  words(output: Float32Array, set: LaneSet, i: number) {
    const lanes = lanesOf(output, set, i);
    const count = lanes.length === 0 ? "no lane" : lanes.length === 1 ? "1 lane" : `${lanes.length} lanes`;
    return `${count}, accuracy ${scoreFrame(lanes, set.labels[i]).accuracy.toFixed(2)}`;
  },
};

/** Lanes as lines; a gap within a lane parts it. */
function linesOf(lanes: readonly Lane[], rows: readonly number[]): DrawnLine[] {
  return lanes.flatMap((lane) => {
    const parts: [number, number][][] = [[]];
    for (const [r, x] of lane.entries()) {
      if (isSeen(x)) parts.at(-1)!.push([x / FRAME.width, rows[r] / FRAME.height]);
      else if (parts.at(-1)!.length > 0) parts.push([]);
    }
    return parts.filter(({ length }) => length > 1);
  });
}
