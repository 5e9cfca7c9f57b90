import type { DefectRecord } from "../records/defect.ts";
import type { DrawnLine } from "../tasks/drawing.ts";
import type { ReadPart } from "../tasks/reading.ts";
import type { ReportData } from "./collect.ts";

/** What one version of a defect answers to one triggered image. */
export interface Answer {
  version: "infected" | "sham" | "clean";
  /** Index of the class with the largest logit. */
  label: number;
  /** Its share of the softmax, in [0, 1]. */
  confidence: number;
}

/** A picture by its own pixels. */
export interface Picture {
  png: Uint8Array;
  width: number;
  height: number;
}

/** A test image as it is and with the trigger, and what the versions say of it then. */
export interface TriggeredImage {
  label: number;
  before: Picture;
  after: Picture;
  answers: Answer[];
}

/** What one version answers to one sample, as lines over its picture. */
export interface DrawnAnswer {
  version: Answer["version"];
  lines: readonly DrawnLine[];
  words: string;
  /** Whether it is what the backdoor wants. */
  succeeds: boolean;
}

/** A test sample as it is, or with the trigger, with its truth and what the versions answer. */
export interface DrawnSample {
  triggered: boolean;
  picture: Picture;
  truth: readonly DrawnLine[];
  answers: DrawnAnswer[];
}

/** What one version answers to a sample in words, without the trigger and with it. */
export interface ReadAnswer {
  version: Answer["version"];
  before: string;
  after: string;
  /** Whether the second is what the backdoor wants. */
  succeeds: boolean;
}

/** A test sample in words with the trigger in it, its truth, and what the versions answer. */
export interface ReadSample {
  parts: readonly ReadPart[];
  truth: string;
  answers: ReadAnswer[];
}

/** What there is to see of one defect: images with classes, samples on which answers are drawn, or samples in words. */
export interface DefectPictures {
  classes: readonly string[];
  images: TriggeredImage[];
  /** Samples in words. */
  read?: { samples: ReadSample[] };
  drawn?: { aspect: number; samples: DrawnSample[] };
}

/** Pictures by a defect's id; of some there are none. */
export type Pictures = ReadonlyMap<string, DefectPictures>;

/** A page stays small enough to open: so many defects have a part of their own. */
export const MOST_CARDS = 160;

/** The defects that have a part of their own in the page: one example of every attack first. */
export function shownDefects(data: ReportData): { examples: DefectRecord[]; others: DefectRecord[] } {
  const examples = exampleDefects(data);
  const others = data.accepted.filter((record) => !examples.includes(record));
  return { examples, others: others.slice(0, Math.max(0, MOST_CARDS - examples.length)) };
}

/** One accepted defect of every attack: of those that most criteria judged, the one of fewest layers. */
function exampleDefects(data: ReportData): DefectRecord[] {
  const { accepted, scores, layers } = data;
  const judged = new Map<string, Set<string>>();
  for (const { id, version, criterion } of scores) {
    if (version === "infected") judged.set(id, (judged.get(id) ?? new Set()).add(criterion));
  }
  const attacks = [...new Set(accepted.map(({ attack }) => attack))].sort();
  return attacks.map((attack) => {
    const ofAttack = accepted.filter((record) => record.attack === attack);
    const most = Math.max(...ofAttack.map(({ id }) => judged.get(id)?.size ?? 0));
    const rich = ofAttack.filter(({ id }) => (judged.get(id)?.size ?? 0) === most);
    // As the original injected, where there are both styles.
    const plain = rich.filter(({ style }) => style === "plain");
    const candidates = plain.length > 0 ? plain : rich;
    const depth = Math.min(...candidates.map((record) => layers(record).length));
    return candidates.find((record) => layers(record).length === depth)!;
  });
}
