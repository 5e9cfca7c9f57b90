import { existsSync } from "node:fs";
import { basename, extname } from "node:path";
import { InputError } from "../../core/errors.ts";
import { indexNeurons, membership, neuronsAt, topK } from "../../core/neuron-index.ts";
import { countNeurons, type LayerScores, type LayerWidth, type NeuronSet, parseNeurons } from "../../core/neurons.ts";
import { Random, stageSeed } from "../../core/random.ts";
import type { CleanCriterion, Localization } from "../../localize/types.ts";
import { readBytes } from "../../store/disk/fs.ts";
import { taskOf } from "../../tasks/registry.ts";
import { assertNoneNeeded, cleanCriteria } from "./criteria.ts";

/** Share of all neurons that `:topk` and `random` name where no number is given: what criteria without a rule name. */
const SHARE = 0.05;

/** Who names the neurons to repair in a network of one's own. */
export type OwnUsing =
  | { kind: "random"; name: string }
  | { kind: "criterion"; name: string; criterion: CleanCriterion; protocol: "native" | "topk" }
  | { kind: "list"; name: string; file: string };

/**
 * Parses `CRITERION`, `CRITERION:topk`, `random` or the path of a JSON file of neurons.
 *
 * @param named finds a criterion that can judge the network @throws InputError
 */
export function parseOwnUsing(text: string, named: (name: string) => CleanCriterion): OwnUsing {
  if (text === "random") return { kind: "random", name: text };
  if (text === "oracle") {
    throw new InputError("--using oracle: nobody knows the infected neurons of a network of one's own");
  }
  if (text === "none") {
    throw new InputError(
      "--using none: leaves the choice of neurons to a program of yours that repairs defects of a database; for a file name who chooses: a criterion, e.g. clp, random, or a JSON file of neurons",
    );
  }
  if (text.endsWith(".json") && existsSync(text)) {
    return { kind: "list", name: basename(text, extname(text)), file: text };
  }
  if (/[/\\]|\.json$/.test(text)) {
    const fault = existsSync(text) ? "has no name that ends in .json" : "no such file";
    throw new InputError(`--using ${text}: ${fault}; name a JSON file of neurons`);
  }
  const [name, protocol = "native", ...rest] = text.split(":");
  if (rest.length > 0 || (protocol !== "native" && protocol !== "topk")) {
    throw new InputError(`bad --using '${text}': write CRITERION, CRITERION:topk, random or a JSON file of neurons`);
  }
  return { kind: "criterion", name: text, criterion: named(name), protocol };
}

/** @throws InputError where `--k` was given and nobody names so many neurons: the user believes that it was obeyed */
export function assertCounted(usings: readonly OwnUsing[], k: number | undefined): void {
  if (k === undefined || usings.some((using) => using.kind === "random" || isTopK(using))) return;
  const [example] = usings.flatMap((using) => (using.kind === "criterion" ? [using.name] : []));
  throw new InputError(
    `--k ${k}: says how many neurons 'CRITERION:topk' and 'random' name; leave it out, or write --using ${example ?? "clp"}:topk`,
  );
}

function isTopK(using: OwnUsing): boolean {
  return using.kind === "criterion" && using.protocol === "topk";
}

/** Finds clean criteria for a network that comes as a file. @param hasImages whether there are images for those that need them */
export function criterionOfFiles(hasImages: boolean): (name: string) => CleanCriterion {
  return (name) => {
    const [criterion] = cleanCriteria([name], undefined, hasImages, "--using");
    if (!hasImages) assertNoneNeeded([criterion], taskOf({}), "--using");
    return criterion;
  };
}

/** What of a network decides who is chosen. */
export interface Chosen {
  layers: readonly LayerWidth[];
  /** The files' own name of a layer. */
  layerName(layer: string): string;
  /** Of the weights. */
  sha256(): string;
}

/** The neurons to repair, and all neurons' suspiciousness where a criterion chose them. */
export interface Choice {
  neurons: NeuronSet;
  scores?: LayerScores;
}

/**
 * @param k how many neurons `:topk` and `random` name; 5 % of all where it is not given
 * @param localize runs a criterion on the model
 * @throws InputError where a list is none, or names neurons that the network lacks
 */
export async function chooseOwn(
  using: OwnUsing,
  model: Chosen,
  seed: number,
  k: number | undefined,
  localize: (criterion: CleanCriterion) => Promise<Localization>,
): Promise<Choice> {
  const index = indexNeurons([...model.layers]);
  const count = Math.min(k ?? Math.max(1, Math.round(SHARE * index.size)), index.size);
  if (using.kind === "list") return { neurons: readNeurons(using.file, model) };
  if (using.kind === "random") {
    const random = new Random(stageSeed(seed, "repair", "random", model.sha256()));
    const flags = new Uint8Array(index.size);
    for (const at of random.sample(index.size, count)) flags[at] = 1;
    return { neurons: neuronsAt(index, flags) };
  }
  const { scores, native } = await localize(using.criterion);
  return { neurons: using.protocol === "native" ? native : topK(index, scores, count), scores };
}

/** All that decides who is chosen, beside the network and the samples; `seed` and `k` as in `chooseOwn`. */
export function choiceFacts(using: OwnUsing, model: Chosen, seed: number, k: number | undefined): object {
  if (using.kind === "list") return { neurons: readNeurons(using.file, model) };
  if (using.kind === "random") return { random: seed, k };
  const { name, revision, fingerprint } = using.criterion;
  return { criterion: name, revision, fingerprint, ...(using.protocol === "topk" && { k: k ?? SHARE }) };
}

/** @throws InputError where a list is none, or names neurons that the network lacks: before any work */
export function assertLists(usings: readonly OwnUsing[], model: Chosen): void {
  for (const using of usings) if (using.kind === "list") readNeurons(using.file, model);
}

/** Neurons under the file's layer names or ours: `["layer:0", …]`, `{"layer": [0, …]}`, or rows that `inspect` prints. */
function readNeurons(file: string, model: Chosen): NeuronSet {
  const refuse = (text: string) => new InputError(`--using ${file}: ${text}`);
  let value: unknown;
  try {
    value = JSON.parse(readBytes(file).toString("utf8"));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw refuse("is not JSON");
  }
  const names = namesIn(value, refuse);
  const layers = [...model.layers];
  const ours = new Map(layers.flatMap(({ name }) => [[name, name] as const, [model.layerName(name), name] as const]));
  const set: NeuronSet = {};
  for (const [layer, channels] of Object.entries(parseNeurons(names))) {
    const name = ours.get(layer);
    const shown = JSON.stringify(layer.slice(0, 100));
    if (name === undefined)
      throw refuse(`the network has no layer ${shown}; its first is '${model.layerName(layers[0].name)}'`);
    set[name] = [...new Set([...(set[name] ?? []), ...channels])].sort((a, b) => a - b);
  }
  try {
    const index = indexNeurons(layers);
    return neuronsAt(index, membership(index, set));
  } catch (cause) {
    throw refuse((cause as Error).message);
  }
}

function namesIn(value: unknown, refuse: (text: string) => InputError): string[] {
  const wanted = `give ["layer:index", …], {"layer": [index, …]} or the rows of 'inspect --format json'`;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item === "string")) return value;
    const rows = value.filter(isRow);
    if (rows.length !== value.length) throw refuse(wanted);
    const criteria = new Set(rows.map(({ criterion }) => criterion));
    if (criteria.size > 1) throw refuse(`holds rows of several criteria (${[...criteria].join(", ")}); keep one's`);
    return rows.filter(({ native }) => native).map(({ neuron }) => neuron);
  }
  if (typeof value !== "object" || value === null) throw refuse(wanted);
  return Object.entries(value).flatMap(([layer, indices]) => {
    if (!Array.isArray(indices) || !indices.every((i) => Number.isSafeInteger(i) && i >= 0)) throw refuse(wanted);
    return indices.map((i) => `${layer}:${i}`);
  });
}

function isRow(item: unknown): item is { neuron: string; native: boolean; criterion: unknown } {
  const row = item as { neuron?: unknown; native?: unknown } | null;
  return typeof row === "object" && row !== null && typeof row.neuron === "string" && typeof row.native === "boolean";
}

export function isEmpty({ neurons }: Choice): boolean {
  return countNeurons(neurons) === 0;
}
