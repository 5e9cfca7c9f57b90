import type { NeuronSet } from "../../../core/neurons.ts";
import { chosenUnits } from "../../../graph/units.ts";
import { decodeFloats, withValues } from "../../../tensor/safetensors.ts";
import { type StateDict, tensorOf } from "../../../tensor/state.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** Neurons of a checkpoint that hold other weights than its files do. */
export interface Changes {
  readonly neurons: NeuronSet;
  /** What they hold, of every entry that one of them owns a part of; null: 0. */
  readonly held: ReadonlyMap<string, Held> | null;
}

/** One entry, as a file of its type holds it. */
interface Held {
  shape: number[];
  bytes: Uint8Array;
  /** The same as 32-bit floats. */
  data: Float32Array;
}

export const UNCHANGED: Changes = { neurons: {}, held: null };

/** Neurons with what they hold in a state, rounded to the files' own types. */
export function changedTo({ config, entries }: Checkpoint, neurons: NeuronSet, state: StateDict): Changes {
  const held = new Map<string, Held>();
  for (const { unit } of chosenUnits(config.network(1), neurons)) {
    for (const { key } of unit.owned) {
      const { shape, data } = tensorOf(state, key);
      const { dtype } = entries.get(key)!.place;
      const { bytes } = withValues({ dtype, shape, bytes: new Uint8Array(0) }, data);
      const rounded = new Float32Array(data.length);
      decodeFloats(dtype, bytes, rounded);
      held.set(key, { shape, bytes, data: rounded });
    }
  }
  return { neurons, held };
}
