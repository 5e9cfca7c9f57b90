import { encode } from "fast-png";
import { CHANNELS } from "../../pictures/picture.ts";
import type { Drawing } from "../drawing.ts";
import { FRAME, type LaneSet } from "./lane.ts";
import { linesOf } from "./lines.ts";
import { answerInWords, lanesOf } from "./verdicts.ts";

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
  words: answerInWords,
};
