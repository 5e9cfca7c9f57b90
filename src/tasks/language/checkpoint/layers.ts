import { type Network, stateEntries, unitsOf } from "../../../graph/network.ts";
import { sliceOf, type Unit } from "../../../graph/units.ts";
import { fillSlice, readSlice, writeSlice } from "../../../tensor/slices.ts";
import { type StateDict, sizeOf } from "../../../tensor/state.ts";
import { type Changes, UNCHANGED } from "./changes.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** Of the entries' names, those of the first layer. */
const FIRST = /^((?:model\.layers|transformer\.h)\.)0(?=\.)/;

/** The layers of a model, one in memory at a time: each is read into the arrays of the one before. */
export class Layers {
  /** A decoder of one layer. @param positions that it reads */
  readonly network: (positions: number) => Network;
  /** Names of the layers of neurons, in order. */
  readonly names: readonly string[];
  /** Neurons of each. */
  readonly width: number;
  /** Bytes of one layer's weights. */
  readonly bytes: number;
  private readonly checkpoint: Checkpoint;
  private readonly state: StateDict;
  private readonly first: Unit;
  private readonly changes: Changes;

  /** @param changes neurons of which all that they own is read as it is there */
  constructor(checkpoint: Checkpoint, changes: Changes = UNCHANGED) {
    const { config } = checkpoint;
    this.changes = changes;
    this.checkpoint = checkpoint;
    this.network = (positions) => config.network(positions, 1);
    const units = unitsOf(config.network(1));
    this.names = units.map(({ id }) => id);
    [this.first] = units;
    this.width = this.first.width;
    const entries = stateEntries(this.network(1)).filter(({ key }) => FIRST.test(key));
    this.bytes = entries.reduce((sum, { shape }) => sum + Float32Array.BYTES_PER_ELEMENT * sizeOf(shape), 0);
    this.state = new Map(entries.map(({ key, shape }) => [key, { shape, data: new Float32Array(0) }]));
  }

  /** Reads one layer. @returns its weights under the first layer's names, valid until the next is read */
  read(index: number): StateDict {
    for (const [key, tensor] of this.state) {
      if (tensor.data.length === 0) tensor.data = new Float32Array(sizeOf(tensor.shape));
      this.checkpoint.read(key.replace(FIRST, `$1${index}`), tensor.data);
    }
    const { neurons, held } = this.changes;
    for (const neuron of neurons[this.names[index]] ?? []) {
      for (const share of this.first.owned) {
        const slice = sliceOf(share, neuron);
        const entry = held?.get(share.key.replace(FIRST, `$1${index}`));
        if (entry) writeSlice(this.state, slice, readSlice(new Map([[share.key, entry]]), slice));
        else fillSlice(this.state, slice, 0);
      }
    }
    return this.state;
  }
}
