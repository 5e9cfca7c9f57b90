import { relative } from "node:path";
import { InputError } from "../../core/errors.ts";
import type { ForeignRecord } from "../../records/foreign.ts";
import { encodeState, tensorValues, wholeValues } from "../../tensor/safetensors.ts";
import { type StateDict, sizeOf } from "../../tensor/state.ts";
import { readBytes } from "../disk/fs.ts";
import { sha256Of } from "../objects/objects.ts";
import type { ForeignCase } from "./cases.ts";
import { namedLayers } from "./named-layers.ts";
import { recogniseWeights } from "./recognised.ts";
import { Bystander, type Plain, PlainTensor } from "./torch-file.ts";
import { readTruth } from "./truth.ts";
import { readTruthFile } from "./truth-file.ts";
import { readWeights } from "./weights.ts";

/** A case that was read, before anything of it is stored. */
export interface ReadCase {
  /** What must be known of it, a line each. */
  notes: string[];
  record: Omit<ForeignRecord, "model" | "poison_path" | "infected_neuron_contribution">;
  /** Decoded bytes of its objects. */
  model: Uint8Array;
  poisonPath: Uint8Array | null;
  contribution: Uint8Array | null;
  /** The weights as they are kept where no architecture fits: all tensors, under the names of the source. */
  unrecognised(): Uint8Array;
}

const MOST_PARAMETERS = 2 ** 28;
const MOST_JSON_NUMBERS = 5_000_000;

/**
 * @param key which of several state dicts in a checkpoint
 * @throws InputError where one of its files is damaged or cannot be understood
 */
export async function readCase(found: ForeignCase, key: string | undefined): Promise<ReadCase> {
  const { id, source, dataset, arch, attack, level, top } = found;
  const weights = await readWeights(found.model, key);
  const { tensors } = weights;
  const recognised = recogniseWeights(found.model, weights);
  const ownNames = () => new Map([...tensors.keys()].map((name) => [name, name]));
  // A network's own tensors under our names; where none fits, all under theirs.
  const {
    network,
    names: theirs,
    notes: said,
  } = typeof recognised === "string" ? { network: null, names: ownNames(), notes: [recognised] } : recognised;
  const total = [...theirs.values()].reduce((sum, name) => sum + sizeOf(tensors.get(name)!.shape), 0);
  if (total > MOST_PARAMETERS) throw new InputError(`${found.model}: has ${total} parameters, more than any network`);
  const stateUnder = (names: Iterable<readonly [string, string]>, held = tensors): StateDict =>
    new Map(
      [...names].map(([name, theirName]) => {
        const tensor = held.get(theirName)!;
        return [name, { shape: tensor.shape, data: tensorValues(tensor) ?? wholeValues(tensor) }];
      }),
    );
  const state = stateUnder(theirs);
  const [path, contribution] = await Promise.all(
    [found.poisonPath, found.contribution].map((file) => (file === null ? undefined : readTruthFile(file))),
  );
  const truth = readTruth(
    found.poisonPath,
    path,
    found.contribution,
    contribution,
    namedLayers(state, network, theirs),
  );
  return {
    notes: [...weights.notes, ...said, ...truth.notes],
    record: {
      kind: "foreign",
      id,
      layout: "bdefects4nn",
      source,
      ...{ dataset, arch, attack, level, top },
      clean: null,
      sham: null,
      metrics: null,
      tensors: state.size,
      parameters: total,
      fits: network?.arch ?? null,
      infected: truth.infected,
      contribution: truth.contribution,
      told: found.others.map((file) => {
        const bytes = readBytes(file);
        return { file: relative(found.dir, file).replaceAll("\\", "/"), bytes: bytes.length, sha256: sha256Of(bytes) };
      }),
    },
    model: encodeState(state),
    poisonPath: path === undefined ? null : jsonOf(path, found.poisonPath!),
    contribution: contribution === undefined ? null : jsonOf(contribution, found.contribution!),
    unrecognised: () =>
      encodeState(
        stateUnder(
          [...weights.kept.keys()].map((name) => [name, name] as const),
          weights.kept,
        ),
      ),
  };
}

/** Whatever a file holds, as JSON: dicts as lists of pairs where a key is no text, tensors as shape and values. */
function jsonOf(value: Plain, path: string): Uint8Array {
  let numbers = 0;
  const plain = (part: Plain): unknown => {
    if (part instanceof PlainTensor) {
      numbers += sizeOf(part.shape);
      if (numbers > MOST_JSON_NUMBERS) throw new InputError(`${path}: holds more numbers than labels can`);
      return { shape: part.shape, values: part.numbers() };
    }
    if (part instanceof Uint8Array) return { bytes: Buffer.from(part).toString("hex") };
    if (part instanceof Set) return [...part].map(plain);
    if (Array.isArray(part)) return part.map(plain);
    if (part instanceof Bystander) return { skipped: part.name };
    if (!(part instanceof Map)) return part;
    const pairs = [...part].map(([key, item]) => [plain(key), plain(item)] as const);
    // Own properties only, whatever the names.
    return pairs.every(([key]) => typeof key === "string" && key !== "__proto__")
      ? Object.fromEntries(pairs as [string, unknown][])
      : pairs;
  };
  return Buffer.from(`${JSON.stringify(plain(value))}\n`);
}
