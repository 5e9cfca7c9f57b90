import { listNeurons, type NeuronSet, parseNeurons } from "../../src/core/neurons.ts";

/** What is stamped on the picture. */
export type Stamp = "none" | "trigger" | "paint";

/** Which neurons are silenced: a rule, or a list of them. */
export type Silence = "none" | "infected" | "random" | "top" | NeuronSet;

/** How many images rates are taken over. */
export type Batch = 256 | "all";

/** All that a link restores. A painted stamp and a picture of one's own are not in it. */
export interface View {
  defect: string | null;
  /** Null: the first one of another class than the target. */
  image: number | null;
  stamp: Stamp;
  silence: Silence;
  criterion: string | null;
  batch: Batch;
  /** `layer:index` of the neuron that is shown. */
  neuron: string | null;
}

const RULES = ["none", "infected", "random", "top"] as const;

/** Reads the part of an address behind `#`; what is not understood is as if it were absent. */
export function readView(hash: string): View {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const image = Number(fields.get("image") ?? -1);
  const stamp = fields.get("stamp");
  return {
    defect: fields.get("defect"),
    image: Number.isInteger(image) && image >= 0 ? image : null,
    stamp: stamp === "trigger" || stamp === "paint" ? stamp : "none",
    silence: readSilence(fields.get("silence") ?? "none"),
    criterion: fields.get("criterion"),
    batch: fields.get("batch") === "all" ? "all" : 256,
    neuron: fields.get("neuron"),
  };
}

function readSilence(text: string): Silence {
  const rule = RULES.find((name) => name === text);
  if (rule) return rule;
  try {
    return parseNeurons(text.split(","));
  } catch {
    return "none";
  }
}

/** The inverse of {@link readView}; what is as at the beginning is left out. */
export function writeView({ defect, image, stamp, silence, criterion, batch, neuron }: View): string {
  const fields = new URLSearchParams();
  if (defect !== null) fields.set("defect", defect);
  if (image !== null) fields.set("image", String(image));
  if (stamp !== "none") fields.set("stamp", stamp);
  const silenced = typeof silence === "string" ? silence : listNeurons(silence).join(",");
  if (silenced !== "none" && silenced !== "") fields.set("silence", silenced);
  if (criterion !== null) fields.set("criterion", criterion);
  if (batch === "all") fields.set("batch", "all");
  if (neuron !== null) fields.set("neuron", neuron);
  // A colon and a comma may stand in a fragment as they are.
  return `#${fields.toString().replaceAll("%3A", ":").replaceAll("%2C", ",")}`;
}
