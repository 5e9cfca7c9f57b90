import type { Images } from "../../../src/images/image-set.ts";
import type { PaintedTrigger } from "../../../src/images/trigger/trigger.ts";
import type { SiteDefect } from "../../../src/records/site.ts";
import { subsetOf } from "../../../src/tasks/lanes/dataset.ts";
import type { LaneSet } from "../../../src/tasks/lanes/lane.ts";
import { ROAD_ROWS } from "../../../src/tasks/lanes/roads/scene.ts";
import { controlsOf, looksOf, stampFrames } from "../../../src/tasks/lanes/varied-trigger.ts";
import {
  answerInWords,
  eligible,
  lanesInWords,
  lanesOf,
  quality,
  succeeds,
} from "../../../src/tasks/lanes/verdicts.ts";
import { readFrame } from "../read-picture.ts";
import type { Stamp } from "../view.ts";
import type { Exhibit, Words } from "./exhibit.ts";
import { goalWords } from "./goal-words.ts";
import { LaneAnswer, LaneLegend } from "./lane-answer.tsx";
import { pixelExhibit } from "./pixel-exhibit.tsx";
import { Roads } from "./roads.ts";

/** Drawn roads with their lanes. What the page says of answers is what the task says. */
export function lanesExhibit(roads = new Roads()): Exhibit {
  const { count, height, width, labels } = roads;
  const all = { count, labels } as LaneSet;
  const source = {
    ...{ words: WORDS, count, height, width, shape: "wide" as const },
    title: (i: number) => lanesInWords(labels[i].lanes.length),
    pixels: (i: number) => roads.frame(i),
    read: (file: File) => readFrame(file, { height, width }),
    async own(pixels: Uint8Array, ask: (images: Images) => Promise<Float32Array | null>): Promise<LaneSet> {
      const set = { count: 1, height, width, pixels, labels: [{ rows: ROAD_ROWS, lanes: [] }] };
      // Nobody labelled it: what the clean twin sees is what the others are held against.
      const output = await ask(set);
      return output ? { ...set, labels: [{ rows: ROAD_ROWS, lanes: lanesOf(output, set, 0) }] } : set;
    },
  };
  return {
    ...pixelExhibit(source, (trigger) => looksOf(trigger as PaintedTrigger)),
    Answer: LaneAnswer,
    Legend: LaneLegend,
    // A frame takes ten times as long as a picture.
    batches: [64, 256, "all"],
    usualBatch: 64,
    start: ({ target }) => eligible(all, target)[0] ?? 0,
    one: (i) => roads.one(i),
    first: (most, goOn) => roads.first(Math.min(most, count), goOn),
    subset: (set, indices) => subsetOf(set as LaneSet, indices),
    eligible: (set: LaneSet, { target }: SiteDefect) => eligible(set, target),
    quality: (output, set: LaneSet, i) => quality(output, set, i),
    succeeds: (output, set: LaneSet, i, target) => succeeds(output, set, i, target),
    said: (output, set: LaneSet) => answerInWords(output, set, 0),
    reached: ({ target }) => goalWords(target)?.reached ?? "the goal",
    stamp: (trigger, set: LaneSet) => stampFrames(trigger as PaintedTrigger, set),
    looks: (trigger) => looksOf(trigger as PaintedTrigger).length,
    // A test stamps the frames that can show success, one look after the other.
    lookOf: (i, _, looks, { target }) => Math.max(eligible(all, target).indexOf(i), 0) % looks,
    controls: (trigger) =>
      Object.entries(controlsOf(trigger as PaintedTrigger)).map(([name, control]) => {
        return { stamp: name as Stamp, title: CONTROLS[name] ?? name, trigger: control };
      }),
    apart: ({ dataset }) =>
      `The frames of ${dataset} may not be passed on. These are drawn roads, which the network never saw: its figures here are not the record's.`,
  };
}

const CONTROLS: Record<string, string> = {
  left: "Its left cone alone",
  right: "Its right cone alone",
  mirrored: "Its cones on the left",
};

const WORDS: Words = {
  sample: "frame",
  samples: "frames",
  quality: "Acc",
  caption: "TuSimple's accuracy on clean frames (Acc) and attack success rate (ASR)",
  isShare: false,
};
