import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { indexNeurons, topK } from "../../core/neuron-index.ts";
import { type LayerScores, type LayerWidth, type NeuronSet, parseNeurons } from "../../core/neurons.ts";
import type { Localization } from "../../localize/types.ts";
import { ANSWER } from "./folder.ts";

/** Numbers for every neuron of the largest network are a few megabytes. */
const MOST_BYTES = 64e6;
/** Of all neurons, where a plug-in names none itself (docs/methods.md §10.10). */
const NATIVE_SHARE = 0.05;

const layerScores = z.record(z.string(), z.array(z.number()));

const answer = z.strictObject({
  scores: layerScores,
  native: z.array(z.string()).optional(),
  raw: layerScores.optional(),
  note: z.string().max(1000).optional(),
});
type Answer = z.infer<typeof answer>;

/**
 * Reads what a plug-in wrote: `{scores: {layer: [numbers]}, native?: ["layer:index"], raw?: {layer: [numbers]}, note?}`.
 * @throws Error that names the first fault
 */
export function readAnswer(dir: string, layers: LayerWidth[]): Localization {
  const path = join(dir, ANSWER);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw new Error(`it wrote no ${ANSWER}`);
  assertSmall(path, ANSWER);
  return parseAnswer(readFileSync(path, "utf8"), ANSWER, layers);
}

/** @param name the file's, for messages. @throws Error where the file is none, or larger than any answer */
export function assertSmall(path: string, name: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw new Error(`${name} is no file`);
  if (stat.size > MOST_BYTES) throw new Error(`${name} has ${stat.size} bytes; ${MOST_BYTES} at most`);
}

/** An answer in JSON. @param name the file's, for messages. @throws Error that names the first fault */
export function parseAnswer(text: string, name: string, layers: LayerWidth[]): Localization {
  return answerOf(parse(text, name), name, layers);
}

/** An answer that fits the network. @param name the file's, for messages. @throws Error that names the first fault */
export function answerOf(
  { scores, native, raw = scores, note }: Answer,
  name: string,
  layers: LayerWidth[],
): Localization {
  assertFits(name, "scores", scores, layers);
  assertFits(name, "raw", raw, layers);
  if (native) return { raw, scores, native: namedBy(name, native, layers), note };
  const index = indexNeurons(layers);
  return { raw, scores, native: topK(index, scores, Math.max(1, Math.round(NATIVE_SHARE * index.size))), note };
}

function parse(text: string, name: string): Answer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Python's json writes these unless told not to.
    const bare = /[[,:\s]-?(NaN|Infinity)\b/.exec(text)?.[1];
    throw new Error(`${name} is not JSON${bare ? `: it has a bare ${bare}, and scores must be finite numbers` : ""}`);
  }
  const result = answer.safeParse(value);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues;
  throw new Error(`${name}: ${path.length > 0 ? `'${path.join(".")}': ` : ""}${message}`);
}

function assertFits(name: string, field: string, values: LayerScores, layers: LayerWidth[]): void {
  const known = new Map(layers.map(({ name, width }) => [name, width]));
  for (const layer of Object.keys(values)) {
    if (!known.has(layer)) throw new Error(`${name}: '${field}': no layer '${layer}'; model.json lists the layers`);
  }
  for (const [layer, width] of known) {
    if (!Object.hasOwn(values, layer)) throw new Error(`${name}: '${field}': layer '${layer}' is missing`);
    const { length } = values[layer];
    if (length !== width) throw new Error(`${name}: '${field}': layer '${layer}' has ${length} numbers, not ${width}`);
    if (!values[layer].every(Number.isFinite))
      throw new Error(`${name}: '${field}': layer '${layer}' has a number that is not finite`);
  }
}

function namedBy(name: string, names: string[], layers: LayerWidth[]): NeuronSet {
  const known = new Map(layers.map(({ name, width }) => [name, width]));
  const set = parseNeurons(new Set(names));
  for (const [layer, channels] of Object.entries(set)) {
    const beyond = channels.find((c) => c >= (known.get(layer) ?? 0));
    if (beyond !== undefined) throw new Error(`${name}: 'native': the network has no neuron '${layer}:${beyond}'`);
  }
  return set;
}
