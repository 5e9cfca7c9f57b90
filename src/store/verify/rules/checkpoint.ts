import { z } from "zod";
import { stateShapes } from "../../../graph/network.ts";
import type { CheckpointRecord } from "../../../records/clean.ts";
import type { DatabaseManifest } from "../../../records/database.ts";
import { DATASETS, networkFor } from "../../../tasks/registry.ts";
import type { StateDict } from "../../../tensor/state.ts";

/** A clean model in training against its id, the network, the data and itself. */

const meta = z.looseObject({
  epoch: z.number().int().min(1),
  history: z.array(z.looseObject({ epoch: z.number().int(), loss: z.number().min(0) })),
  fingerprint: z.string(),
});

const fingerprint = z.looseObject({
  recipe: z.looseObject({ epochs: z.number().int() }),
  seed: z.number().int(),
  data: z.string(),
});

const ID = /^clean\/([a-z0-9]+)-([a-z0-9]+)-s(\d+)$/;
const VELOCITY = /^velocity\//;

/** @returns one line per thing that no training can have left */
export function checkpointFaults(
  record: CheckpointRecord,
  state: StateDict,
  { data }: Pick<DatabaseManifest, "data">,
): string[] {
  const [, dataset = "", arch = "", seed] = ID.exec(record.id) ?? [];
  const faults = stateFaults(state, dataset, arch);
  const read = meta.safeParse(record.meta);
  if (!read.success) return [...faults, `'meta.${read.error.issues[0].path.join(".")}' cannot be`];
  const { epoch, history } = read.data;
  if (history.length !== epoch || history.some((one, i) => one.epoch !== i + 1)) {
    faults.push(`'meta.history' is not that of epochs 1 to ${epoch}`);
  }
  const made = fingerprint.safeParse(jsonOf(read.data.fingerprint));
  if (!made.success) return [...faults, "'meta.fingerprint' states no recipe, seed and data"];
  if (made.data.seed !== Number(seed)) faults.push(`trains with seed ${made.data.seed}, its id says ${seed}`);
  if (made.data.data !== data[dataset]) faults.push(`trains on other ${dataset} data than the manifest states`);
  if (epoch > made.data.recipe.epochs) faults.push(`is past epoch ${made.data.recipe.epochs}, its last`);
  return faults;
}

function stateFaults(state: StateDict, dataset: string, arch: string): string[] {
  if (!DATASETS.has(dataset)) return [`is of '${dataset}', which is no known data set`];
  const wanted = stateShapes(networkFor(arch, dataset));
  const odd = [...state].find(([key, { shape }]) => wanted.get(key.replace(VELOCITY, ""))?.join() !== shape.join());
  if (odd || [...wanted.keys()].some((key) => !state.has(key))) return [`does not hold the tensors of ${arch}`];
  return [...state.values()].every(({ data }) => data.every(Number.isFinite))
    ? []
    : ["holds a weight that is no number"];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
