import { basename, extname, join } from "node:path";
import type { ImageSet } from "../../images/image-set.ts";
import { anomalyIndex } from "../../localize/nc/invert-trigger.ts";
import type { ReversedTrigger } from "../../localize/nc/reversed-trigger.ts";
import { CHANNELS } from "../../pictures/picture.ts";
import { imagePng } from "../../report/figures/picture.ts";
import { stampPatch } from "../../reversal/stamp.ts";
import { triggerJson } from "../../store/checkout/trigger-file.ts";
import { writeAtomic } from "../../store/disk/fs.ts";
import { prettyJson } from "../../store/disk/json.ts";
import type { Finding } from "./inspect.ts";

/** What lies under the trigger: on it white and black patches show alike. */
const GREY = 128;

/** Each pixel is a square of so many. */
const ENLARGED = 8;

/**
 * Saves the trigger that a criterion reversed: `<criterion>-trigger.png`, enlarged on grey, and `<criterion>-trigger.json` with
 * its exact pixels, as a checkout has them, and every class's mask norm and anomaly index.
 *
 * @param folder that of the file's name in the current folder where none is named
 * @returns the picture's path; null where the criterion reversed none
 */
export function saveTrigger(
  { criterion, localization }: Pick<Finding, "criterion" | "localization">,
  file: string,
  classes: readonly string[] | null,
  folder?: string,
): string | null {
  const { trigger } = localization;
  if (!trigger) return null;
  const dir = folder ?? usualFolder(file);
  const stem = join(dir, `${criterion}-trigger`);
  writeAtomic(`${stem}.png`, imagePng(enlarged(onGrey(trigger)), 0), dir);
  writeAtomic(`${stem}.json`, `${prettyJson(describe(trigger, classes))}\n`, dir);
  return `${stem}.png`;
}

/** Where reversed triggers go when no folder is named. */
export function usualFolder(file: string): string {
  return `${basename(file, extname(file))}-inspect`;
}

function onGrey(trigger: ReversedTrigger): ImageSet {
  const { height, width } = trigger;
  const pixels = new Uint8Array(CHANNELS * height * width).fill(GREY);
  return stampPatch(trigger, { count: 1, height, width, pixels, labels: new Uint8Array(1) });
}

function enlarged({ height, width, pixels, ...set }: ImageSet): ImageSet {
  const [tall, wide] = [height * ENLARGED, width * ENLARGED];
  const large = new Uint8Array(CHANNELS * tall * wide);
  for (let i = 0; i < large.length; i++) {
    const [row, x] = [Math.floor(i / wide), i % wide];
    const [channel, y] = [Math.floor(row / tall), row % tall];
    large[i] = pixels[(channel * height + Math.floor(y / ENLARGED)) * width + Math.floor(x / ENLARGED)];
  }
  return { ...set, height: tall, width: wide, pixels: large };
}

function describe(trigger: ReversedTrigger, classes: readonly string[] | null): Record<string, unknown> {
  const { target, anomaly, flagged, norms } = trigger;
  const all = [...norms.values()];
  const byClass = [...norms].map(([label, norm]) => ({
    class: label,
    name: classes?.[label] ?? null,
    norm,
    anomaly: anomalyIndex(all, norm),
  }));
  return { target, anomaly, flagged, classes: byClass, ...JSON.parse(triggerJson(trigger)) };
}
