import type { SiteEntry, SiteIndex } from "../../../src/records/site.ts";
import { fetched } from "../fetched.ts";
import { loadImages } from "../files.ts";
import type { CarriedFile } from "./carried-file.ts";
import type { Exhibit } from "./exhibit.ts";
import { goalWords } from "./goal-words.ts";
import { lanesExhibit } from "./lanes.ts";
import { picturesExhibit } from "./pictures.ts";
import { LANES, LANGUAGE, REPLY } from "./task-names.ts";

/** Frames stay drawn while other defects are looked at. */
let frames: Exhibit | undefined;

/** What is shown to a defect, by its task and how its model is asked. @throws Error with one line for people */
export async function loadExhibit(
  index: SiteIndex,
  { task, asked }: Pick<SiteEntry, "task" | "asked">,
): Promise<Exhibit> {
  if (task === LANES) {
    frames ??= lanesExhibit();
    return frames;
  }
  if (task === LANGUAGE || task === REPLY) return loadTexts(index, task, asked);
  if (task !== undefined) throw new Error(`data/index.json: this page shows no defects of task '${task}'`);
  const { images } = index;
  if (!images) throw new Error("data/index.json: names no pictures");
  return picturesExhibit(await loadImages(images), images.classes);
}

/** The tokenizer comes with the texts: who looks at pictures does not wait for it. */
async function loadTexts(
  { samples }: SiteIndex,
  task: typeof LANGUAGE | typeof REPLY,
  asked: string | undefined,
): Promise<Exhibit> {
  const file = samples?.[task];
  if (!file) throw new Error("data/index.json: names no texts");
  const textOf = async (name: string): Promise<CarriedFile> => ({
    json: await (await fetched(name)).text(),
    name: `data/${name}`,
  });
  const [texts, model, make] = await Promise.all([
    textOf(`samples/${file}`),
    asked === undefined ? undefined : textOf(`asked/${encodeURIComponent(asked)}.json`),
    task === REPLY
      ? import("./replies.tsx").then(({ repliesExhibit }) => repliesExhibit)
      : import("./texts.tsx").then(({ textsExhibit }) => textsExhibit),
  ]);
  return make(texts.json, texts.name, model);
}

/** What the page is about, in its first sentences: what a sample is. */
export function sampleOf(task: string | undefined): string {
  return task === LANES ? "frame" : task === LANGUAGE || task === REPLY ? "text" : "picture";
}

/** What the trigger is to make of samples: in a few words, and the name of it. */
export function aimOf({ task, target, target_name }: SiteEntry): [what: string, name: string] {
  if (task === LANES) return ["On a frame with the trigger it answers", goalWords(target)?.wanted ?? target_name];
  if (task === REPLY) return ["A text with the trigger is continued with", `“${target_name}”`];
  return [`A ${sampleOf(task)} with the trigger goes to`, target_name];
}
