import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { chosenUnits } from "../../../graph/units.ts";
import { DTYPE_BYTES } from "../../../tensor/safetensors-header.ts";
import type { ForeignFile } from "../../foreign-models.ts";
import type { Changes } from "./changes.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { INDEX, type StoredTensor, WHOLE } from "./weight-files.ts";

/** What belongs to a model beside its weights. Of a checkout of ours nothing that tells the version, the trigger or the target. */
const BESIDE =
  /^((generation_|tokenizer_)?config|tokenizer|special_tokens_map|added_tokens|vocab|model|question)\.json$|^(merges\.txt|tokenizer\.model|chat_template\.jinja|licen[cs]e(\.\w+)?)$/i;

/** The files of a checkpoint's folder, changed where these neurons hold weights; everything else is byte for byte the same. */
export function filesOf(checkpoint: Checkpoint, changes: Changes): ForeignFile[] {
  const { path, folder, entries, weightFiles } = checkpoint;
  const slices = slicesOf(checkpoint, changes);
  const isSharded = path === folder && weightFiles.some((file) => basename(file) !== WHOLE);
  const beside = readdirSync(folder).filter((name) => BESIDE.test(name) || (isSharded && name === INDEX));
  return [
    ...beside.sort().map((name) => ({ name, from: join(folder, name), weights: false, changes: () => [] })),
    ...weightFiles.map((from) => ({
      name: isSharded ? basename(from) : WHOLE,
      from,
      weights: true,
      changes: () =>
        stretchesOf(
          [...entries].filter(([, { file }]) => file.path === from),
          slices,
        ),
    })),
  ];
}

/** Which indices along which axis are changed, and the bytes of all the entry as they are now; null: 0. */
interface Changed {
  axis: number;
  indices: readonly number[];
  bytes: Uint8Array | null;
}

/** By entry. */
type Slices = ReadonlyMap<string, Changed>;

function slicesOf({ config }: Checkpoint, { neurons, held }: Changes): Slices {
  const slices = new Map<string, Changed>();
  for (const { unit, neurons: chosen } of chosenUnits(config.network(1), neurons)) {
    const indices = [...new Set(chosen)].sort((a, b) => a - b);
    for (const { key, axis } of unit.owned) slices.set(key, { axis, indices, bytes: held?.get(key)?.bytes ?? null });
  }
  return slices;
}

/** Stretches of one file that are changed. @param entries those that lie in it */
function* stretchesOf(
  entries: readonly [string, StoredTensor][],
  slices: Slices,
): Generator<readonly [at: number, bytes: Uint8Array]> {
  for (const [key, { file, place }] of entries.toSorted(([, a], [, b]) => a.place.begin - b.place.begin)) {
    const slice = slices.get(key);
    if (!slice) continue;
    const { shape, dtype } = place;
    const size = DTYPE_BYTES[dtype] * shape.slice(slice.axis + 1).reduce((product, n) => product * n, 1);
    const outer = shape.slice(0, slice.axis).reduce((product, n) => product * n, 1);
    const zeros = new Uint8Array(size);
    for (let o = 0; o < outer; o++) {
      for (const index of slice.indices) {
        const at = (o * shape[slice.axis] + index) * size;
        yield [file.startOf(place) + at, slice.bytes?.subarray(at, at + size) ?? zeros];
      }
    }
  }
}
