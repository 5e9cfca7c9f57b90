import type { SiteEntry, SiteIndex } from "../../../src/records/site.ts";
import { loadImages } from "../files.ts";
import type { Exhibit } from "./exhibit.ts";
import { goalWords } from "./goal-words.ts";
import { lanesExhibit } from "./lanes.ts";
import { picturesExhibit } from "./pictures.ts";
import { LANES } from "./task-names.ts";

/** Frames stay drawn while other defects are looked at. */
let frames: Exhibit | undefined;

/** What is shown to defects of a task. @throws Error with one line for people */
export async function loadExhibit({ images }: SiteIndex, task: string | undefined): Promise<Exhibit> {
  if (task === LANES) {
    frames ??= lanesExhibit();
    return frames;
  }
  if (!images) throw new Error("data/index.json: names no pictures");
  return picturesExhibit(await loadImages(images), images.classes);
}

/** What the trigger is to make of samples: in a few words, and the name of it. */
export function aimOf({ task, target, target_name }: SiteEntry): [what: string, name: string] {
  return task === LANES
    ? ["On triggered frames it answers", goalWords(target)?.wanted ?? target_name]
    : ["Triggered pictures go to", target_name];
}
