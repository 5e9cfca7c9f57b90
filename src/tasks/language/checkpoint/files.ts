import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { NeuronSet } from "../../../core/neurons.ts";
import { chosenUnits } from "../../../graph/units.ts";
import { DTYPE_BYTES } from "../../../tensor/safetensors-header.ts";
import type { ForeignFile } from "../../foreign-models.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { INDEX, type StoredTensor, WHOLE } from "./weight-files.ts";

/** What belongs to a model beside its weights. Of a checkout of ours nothing that tells the version, the trigger or the target. */
const BESIDE =
  /^((generation_|tokenizer_)?config|tokenizer|special_tokens_map|added_tokens|vocab|model|question)\.json$|^(merges\.txt|tokenizer\.model|chat_template\.jinja|licen[cs]e(\.\w+)?)$/i;

/** The files of a checkpoint's folder, with zeros where these neurons hold weights; everything else is byte for byte the same. */
export function filesOf(checkpoint: Checkpoint, dead: NeuronSet): ForeignFile[] {
  const { path, folder, entries, weightFiles } = checkpoint;
  const slices = slicesOf(checkpoint, dead);
  const isSharded = path === folder && weightFiles.some((file) => basename(file) !== WHOLE);
  const beside = readdirSync(folder).filter((name) => BESIDE.test(name) || (isSharded && name === INDEX));
  return [
    ...beside.sort().map((name) => ({ name, from: join(folder, name), weights: false, zeros: () => [] })),
    ...weightFiles.map((from) => ({
      name: isSharded ? basename(from) : WHOLE,
      from,
      weights: true,
      zeros: () =>
        zerosOf(
          [...entries].filter(([, { file }]) => file.path === from),
          slices,
        ),
    })),
  ];
}

/** Which indices along which axis are dead, by entry. */
type Slices = ReadonlyMap<string, { axis: number; dead: readonly number[] }>;

function slicesOf({ config }: Checkpoint, neurons: NeuronSet): Slices {
  const slices = new Map<string, { axis: number; dead: readonly number[] }>();
  for (const { unit, neurons: chosen } of chosenUnits(config.network(1), neurons)) {
    const dead = [...new Set(chosen)].sort((a, b) => a - b);
    for (const { key, axis } of unit.owned) slices.set(key, { axis, dead });
  }
  return slices;
}

/** Stretches of one file. @param entries those that lie in it */
function* zerosOf(entries: readonly [string, StoredTensor][], slices: Slices): Generator<readonly [number, number]> {
  for (const [key, { file, place }] of entries.toSorted(([, a], [, b]) => a.place.begin - b.place.begin)) {
    const slice = slices.get(key);
    if (!slice) continue;
    const { shape, dtype } = place;
    const bytes = DTYPE_BYTES[dtype] * shape.slice(slice.axis + 1).reduce((product, n) => product * n, 1);
    const outer = shape.slice(0, slice.axis).reduce((product, n) => product * n, 1);
    for (let o = 0; o < outer; o++)
      for (const index of slice.dead) yield [file.startOf(place) + (o * shape[slice.axis] + index) * bytes, bytes];
  }
}
