import { listNeurons, type NeuronSet, parseNeurons } from "../../src/core/neurons.ts";

const STAMPS = ["none", "trigger", "left", "right", "mirrored", "paint", "words"] as const;
/** Before a word that looks like a trigger of words. */
export const WORD = "word:";

/**
 * What is stamped on the sample. `left`, `right` and `mirrored` look like a trigger of cones and are none, as words do of a trigger of words.
 * `paint` and `words` are what the user makes.
 */
export type Stamp = (typeof STAMPS)[number] | `${typeof WORD}${string}`;

/** Which neurons are silenced: a rule, or a list of them. */
export type Silence = "none" | "infected" | "random" | "top" | NeuronSet;

const BATCHES = [64, 256, "all"] as const;

/** How many samples rates are taken over. */
export type Batch = (typeof BATCHES)[number];

/** All that a link restores. A stamp and a sample of one's own are not in it. */
export interface View {
  defect: string | null;
  /** Null: the first one of another class than the target. */
  image: number | null;
  stamp: Stamp;
  /** Which look of a trigger that has several, of words which gap; null: the one that a test shows. */
  look: number | null;
  silence: Silence;
  criterion: string | null;
  /** Null: as many as the exhibit begins with. */
  batch: Batch | null;
  /** `layer:index` of the neuron that is shown. */
  neuron: string | null;
}

const RULES = ["none", "infected", "random", "top"] as const;

/** Reads the part of an address behind `#`; what is not understood is as if it were absent. */
export function readView(hash: string): View {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  return {
    defect: fields.get("defect") || null,
    image: readCount(fields.get("image")),
    stamp: readStamp(fields.get("stamp")),
    look: readCount(fields.get("look")),
    silence: readSilence(fields.get("silence") ?? "none") ?? "none",
    criterion: fields.get("criterion"),
    batch: BATCHES.find((batch) => String(batch) === fields.get("batch")) ?? null,
    neuron: fields.get("neuron"),
  };
}

/** The parts of an address that {@link readView} passes over, for people. */
export function unreadable(hash: string): string[] {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const view = readView(hash);
  return [...fields].flatMap(([name, text]) => {
    const isRead =
      name === "silence"
        ? readSilence(text) !== null
        : name === "stamp"
          ? view.stamp === text
          : Object.hasOwn(view, name) && view[name as keyof View] !== null;
    return isRead ? [] : [`${name} ${text}`];
  });
}

function readStamp(text: string | null): Stamp {
  if (text?.startsWith(WORD)) return text as Stamp;
  return STAMPS.find((name) => name === text) ?? "none";
}

/** A whole number from 0 on, or null. */
function readCount(text: string | null): number | null {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

function readSilence(text: string): Silence | null {
  const rule = RULES.find((name) => name === text);
  if (rule) return rule;
  try {
    return parseNeurons(text.split(","));
  } catch {
    return null;
  }
}

/** The inverse of {@link readView}; what is as at the beginning is left out. */
export function writeView({ defect, image, stamp, look, silence, criterion, batch, neuron }: View): string {
  const fields = new URLSearchParams();
  if (defect !== null) fields.set("defect", defect);
  if (image !== null) fields.set("image", String(image));
  if (stamp !== "none") fields.set("stamp", stamp);
  if (look !== null) fields.set("look", String(look));
  const silenced = typeof silence === "string" ? silence : listNeurons(silence).join(",");
  if (silenced !== "none" && silenced !== "") fields.set("silence", silenced);
  if (criterion !== null) fields.set("criterion", criterion);
  if (batch !== null) fields.set("batch", String(batch));
  if (neuron !== null) fields.set("neuron", neuron);
  // A colon and a comma may stand in a fragment as they are.
  return `#${fields.toString().replaceAll("%3A", ":").replaceAll("%2C", ",")}`;
}
