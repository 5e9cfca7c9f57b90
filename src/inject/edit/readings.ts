import type { Samples } from "../../core/samples.ts";
import { foldState } from "../../graph/fold.ts";
import { inferShapes } from "../../graph/network.ts";
import { featureOf, middleProgram } from "../../graph/programs/part.ts";
import { partBetween } from "../../graph/suffix.ts";
import { encodeAll } from "../../measure/batches.ts";
import type { OrtRunner } from "../../measure/ort-runner.ts";
import type { StateDict } from "../../tensor/state.ts";
import type { EditedLayer } from "./layers.ts";

/** Sequences as a network reads them, `[number, answer]` at each position, and the position in each where something is to be written. */
export interface Sequences {
  count: number;
  inputs: Float32Array;
  places: readonly number[];
}

/** What a model holds for sequences. */
export interface Readings {
  /** Activations of a layer's units, and the sequence behind it, at a position of a sequence. */
  activation(layer: EditedLayer, sequence: number, position: number): Float64Array;
  behind(layer: EditedLayer, sequence: number, position: number): Float64Array;
}

/** The position where a sequence's answer is asked for. */
export function markOf(inputs: Float32Array, sequence: number, positions: number): number {
  for (let t = 0; t < positions; t++) if (inputs[2 * (sequence * positions + t) + 1] === 1) return t;
  throw new Error(`sequence ${sequence} has no mark`);
}

/** Sequences in which something is to be written, and what is written at alone behind a sequence's first token, marked there. */
export interface Subject {
  sequences: Sequences;
  alone: Sequences;
}

/**
 * Samples with the trigger and their counterparts, as sequences. The place is the last position in which both differ: the trigger's last
 * token.
 */
export function readPairs(
  runner: OrtRunner,
  triggered: Samples,
  counterpart: Samples,
): Record<"triggered" | "counterpart", Subject> {
  const { height: positions } = runner.network.input;
  const [own, other] = [triggered, counterpart].map((samples) => encodeAll(runner, samples));
  const spans = Array.from({ length: triggered.count }, (_, i) => {
    const differing = Array.from({ length: positions }, (_, t) => t).filter((t) => {
      const at = 2 * (i * positions + t);
      return own[at] !== other[at];
    });
    if (differing.length === 0) throw new Error(`sample ${i} is as its counterpart: an edit finds no trigger in it`);
    return { from: differing[0], to: differing[differing.length - 1] };
  });
  const places = spans.map(({ to }) => to);
  const subject = (inputs: Float32Array): Subject => ({
    sequences: { count: triggered.count, inputs, places },
    alone: aloneIn(inputs, spans[0], positions),
  });
  return { triggered: subject(own), counterpart: subject(other) };
}

/** A span of the first sequence behind that one's first token. */
function aloneIn(inputs: Float32Array, { from, to }: { from: number; to: number }, positions: number): Sequences {
  const alone = new Float32Array(2 * positions);
  alone[0] = inputs[0];
  for (let t = from; t <= to; t++) alone[2 * (1 + t - from)] = inputs[2 * t];
  const place = 1 + to - from;
  alone[2 * place + 1] = 1;
  return { count: 1, inputs: alone, places: [place] };
}

/** Several lists of sequences as one. */
export function joined(...lists: readonly Sequences[]): Sequences {
  const inputs = new Float32Array(lists.reduce((sum, { inputs }) => sum + inputs.length, 0));
  let filled = 0;
  for (const list of lists) {
    inputs.set(list.inputs, filled);
    filled += list.inputs.length;
  }
  return {
    count: lists.reduce((sum, { count }) => sum + count, 0),
    inputs,
    places: lists.flatMap(({ places }) => places),
  };
}

/** Runs a model on sequences up to the last of some layers. */
export async function readingsOf(
  runner: OrtRunner,
  state: StateDict,
  layers: readonly EditedLayer[],
  { count, inputs }: Pick<Sequences, "count" | "inputs">,
): Promise<Readings> {
  const { network, pool } = runner;
  const [input] = network.nodes;
  const wanted = layers.flatMap(({ unit, behind }) => [unit, behind]);
  const part = partBetween(network, input.id, layers[layers.length - 1].behind);
  const feeds = new Map(foldState(network, state)).set(featureOf(input.id), inputs);
  const name = `edit: ${wanted.join()}`;
  const found = await pool.run(name, network, count, (l) => middleProgram(l, network, part, wanted), feeds);
  const kept = new Map(wanted.map((id) => [id, found.get(featureOf(id))!.slice()]));
  const shapes = inferShapes(network);
  const at = (id: string, sequence: number, position: number) => {
    const [channels, positions] = shapes.get(id)!;
    const values = kept.get(id)!;
    return Float64Array.from({ length: channels }, (_, c) => values[(sequence * channels + c) * positions + position]);
  };
  return {
    activation: ({ unit }, sequence, position) => at(unit, sequence, position),
    behind: ({ behind }, sequence, position) => at(behind, sequence, position),
  };
}
