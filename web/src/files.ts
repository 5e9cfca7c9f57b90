import type { ImageSet } from "../../src/images/image-set.ts";
import { decodeTrigger } from "../../src/images/trigger/codec.ts";
import type { SiteDefect, SiteIndex } from "../../src/records/site.ts";
import type { Trigger } from "../../src/tasks/backdoor.ts";
import { decodeVaried } from "../../src/tasks/lanes/varied-trigger.ts";
import { decodeWords } from "../../src/tasks/language/word-trigger.ts";
import { decodeTensors } from "../../src/tensor/safetensors.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { LANES, LANGUAGE, REPLY } from "./exhibits/task-names.ts";
import { bytesOf, jsonOf } from "./fetched.ts";
import { withWeightScores } from "./weight-scores.ts";
import { loadWeights } from "./weights.ts";

/** The layout of data that this page reads: `SITE_FORMAT` of `src/records/site.ts`. */
const FORMAT = 4;

/** All that is needed to run a defect's three versions. */
export interface LoadedDefect {
  facts: SiteDefect;
  trigger: Trigger;
  infected: StateDict;
  clean: StateDict;
  /** Null where the defect has none. */
  sham: StateDict | null;
}

export async function loadIndex(): Promise<SiteIndex> {
  return jsonOf<SiteIndex>("index.json", "site", FORMAT);
}

/** Pictures that the page shows to every classifier. */
export async function loadImages(images: NonNullable<SiteIndex["images"]>): Promise<ImageSet> {
  const name = `images/${images.file}`;
  const tensors = decodeTensors(await bytesOf(name), name);
  const [pixels, labels] = [tensors.get("pixels"), tensors.get("labels")];
  if (pixels?.shape.length !== 4 || !labels) throw new Error(`data/${name}: holds no pictures`);
  const [count, , height, width] = pixels.shape;
  return { count, height, width, pixels: pixels.bytes, labels: labels.bytes };
}

/** Triggers of pictures, unless a task has its own. */
const DECODERS: Record<string, (bytes: Uint8Array, name: string) => Trigger> = {
  [LANES]: decodeVaried,
  [LANGUAGE]: decodeWords,
  [REPLY]: decodeWords,
};

function decoderOf(task: string | undefined) {
  return (task !== undefined && Object.hasOwn(DECODERS, task) && DECODERS[task]) || decodeTrigger;
}

/** @returns with scores of criteria that ask the weights alone */
export async function loadDefect(id: string): Promise<LoadedDefect> {
  // A link may name anything, and leads nowhere else by it.
  const facts = await jsonOf<SiteDefect>(`defects/${encodeURIComponent(id)}.json`, "site-defect");
  const { base, infected, sham, clean } = facts.models;
  const name = `triggers/${facts.trigger}.trigger`;
  const [trigger, ...states] = await Promise.all([
    bytesOf(name).then((bytes) => decoderOf(facts.task)(bytes, name)),
    loadWeights(infected, base),
    loadWeights(clean, base),
    sham === null ? null : loadWeights(sham, base),
  ]);
  const infectedState = states[0]!;
  return {
    facts: withWeightScores(facts, infectedState),
    ...{ trigger, infected: infectedState, clean: states[1]!, sham: states[2] },
  };
}
