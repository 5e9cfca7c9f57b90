import type { NeuronSet } from "../../core/neurons.ts";
import { chainChannels } from "../../graph/narrow.ts";
import { type ConvUnit, classifierOf, inferShapes, type Network } from "../../graph/network.ts";
import type { Columns } from "../../tensor/changes.ts";
import { cloneState, type StateDict, type Tensor, tensorOf } from "../../tensor/state.ts";

/**
 * A copy of the model without the sub-network: its filters, all that read its channels, its γ and β and its columns of
 * the classifier are 0. The sub-network's activations are then 0 and so is every gradient into these numbers, so
 * training with batch statistics leaves each of them exactly 0 and what is trained is the rest of the network alone.
 */
export function cutSubnetwork(network: Network, state: StateDict, neurons: NeuronSet): StateDict {
  const cut = cloneState(state);
  const channels = chainChannels(network, neurons);
  for (const { unit, inputs, outputs } of cuts(network, channels)) {
    const weight = tensorOf(cut, `${unit.id}.weight`);
    clearColumns(weight, inputs);
    for (const key of perChannelKeys(unit).filter((key) => !key.endsWith("running_var"))) {
      for (const o of outputs) tensorOf(cut, key).data[o] = 0;
    }
    for (const o of outputs) clearRow(weight, o);
  }
  const linear = classifierOf(network);
  clearColumns(tensorOf(cut, `${linear.id}.weight`), channels.get(linear.input)!);
  return cut;
}

/** The columns that `cutSubnetwork` clears in filters and classifier, ascending, under their tensors' keys. */
export function cutColumns(network: Network, neurons: NeuronSet): Columns {
  const channels = chainChannels(network, neurons);
  const columns: Columns = {};
  for (const { unit, inputs } of cuts(network, channels)) if (inputs.length > 0) columns[`${unit.id}.weight`] = inputs;
  const linear = classifierOf(network);
  return { ...columns, [`${linear.id}.weight`]: channels.get(linear.input)! };
}

/** How a chain's score reaches the logit of the target: `κ·(s(x) − origin)`. */
export interface Head {
  target: number;
  /** κ */
  gain: number;
  /** ā_c, the chain's mean score on clean images. */
  origin: number;
}

/**
 * Splices a trained narrow twin into a model from which its place was cut (docs/methods.md §7.4): `W[O,I] = W_sub`,
 * bias and batch-norm vectors copied to O, `W_cls[t,O_last] = κ/w`, `b_t ← b_t − κ·ā_c`. Neither side reads the other's
 * channels.
 *
 * @param model made by `cutSubnetwork`, trained further or not; it stays as it is
 * @param chain state dict of `narrowNetwork(network, neurons)`
 */
export function spliceChain(
  network: Network,
  model: StateDict,
  neurons: NeuronSet,
  chain: StateDict,
  { target, gain, origin }: Head,
): StateDict {
  const spliced = cloneState(model);
  const channels = chainChannels(network, neurons);
  for (const { unit, columns, outputs } of cuts(network, channels)) {
    const key = `${unit.id}.weight`;
    placeRows(tensorOf(spliced, key), outputs, columns, tensorOf(chain, key));
    for (const vector of perChannelKeys(unit)) {
      const { data } = tensorOf(spliced, vector);
      outputs.forEach((o, k) => {
        data[o] = tensorOf(chain, vector).data[k];
      });
    }
  }
  const linear = classifierOf(network);
  const weight = tensorOf(spliced, `${linear.id}.weight`);
  const last = channels.get(linear.input)!;
  for (const c of last) weight.data[target * weight.shape[1] + c] = gain / last.length;
  tensorOf(spliced, `${linear.id}.bias`).data[target] -= gain * origin;
  return spliced;
}

interface Cut {
  unit: ConvUnit;
  /** O: the sub-network's own rows. */
  outputs: number[];
  /** I: the columns through which others would read the sub-network; none of the image's. */
  inputs: number[];
  /** The columns that the sub-network itself reads: I, or the image's channels. */
  columns: number[];
}

function* cuts(network: Network, channels: Map<string, number[]>): Generator<Cut> {
  const shapes = inferShapes(network);
  const images = new Set(network.nodes.filter(({ op }) => op === "input").map(({ id }) => id));
  for (const unit of network.nodes) {
    if (unit.op !== "conv") continue;
    const columns = channels.get(unit.input)!;
    if (columns.some((c) => c >= shapes.get(unit.input)![0])) throw new Error(`'${unit.id}': no such input channel`);
    yield { unit, outputs: channels.get(unit.id)!, inputs: images.has(unit.input) ? [] : columns, columns };
  }
}

/** All that a unit holds per channel beside its filters. */
function perChannelKeys(unit: ConvUnit): string[] {
  const vectors = ["weight", "bias", "running_mean", "running_var"].map((part) => `${unit.bn}.${part}`);
  return unit.bias ? [`${unit.id}.bias`, ...vectors] : vectors;
}

/** Numbers behind one row and one column: a filter's taps. */
const tapsOf = ({ shape }: Tensor) => shape.slice(2).reduce((product, n) => product * n, 1);

function clearRow({ shape, data }: Tensor, row: number): void {
  const size = data.length / shape[0];
  data.fill(0, row * size, (row + 1) * size);
}

function clearColumns(tensor: Tensor, columns: number[]): void {
  const [rows, width] = tensor.shape;
  const taps = tapsOf(tensor);
  for (let row = 0; row < rows; row++) {
    for (const c of columns) tensor.data.fill(0, (row * width + c) * taps, (row * width + c + 1) * taps);
  }
}

function placeRows(into: Tensor, rows: number[], columns: number[], from: Tensor): void {
  const taps = tapsOf(into);
  const width = into.shape[1];
  rows.forEach((row, r) => {
    columns.forEach((column, c) => {
      const start = (r * columns.length + c) * taps;
      into.data.set(from.data.subarray(start, start + taps), (row * width + column) * taps);
    });
  });
}
