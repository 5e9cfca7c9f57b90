import { foldState } from "../../graph/fold.ts";
import { inferShapes } from "../../graph/network.ts";
import { INPUT_GRADIENT } from "../../graph/programs/activation.ts";
import { inputGradientProgram } from "../../graph/programs/input-gradient.ts";
import type { OrtRunner } from "../../measure/ort-runner.ts";
import type { EditOptions } from "../../tasks/edit.ts";
import type { StateDict } from "../../tensor/state.ts";
import { Adam } from "../../tune/adam.ts";
import { type EditedLayer, networkBehind } from "./layers.ts";
import type { Readings, Sequences } from "./readings.ts";

/**
 * What is to be added behind a layer, at one position of every sequence, so that the sequences are answered as wanted: δ minimises the
 * mean cross-entropy of `targets` and a decay, and never lies further away than `most` of what is there (Meng et al. 2022).
 *
 * @param targets `[count, vocabulary]`, each a distribution over what may follow the mark
 */
export async function wantedValue(
  runner: OrtRunner,
  state: StateDict,
  layer: EditedLayer,
  { count, inputs, places }: Sequences,
  readings: Readings,
  targets: Float32Array,
  { steps, learning_rate, decay, most }: EditOptions["value"],
): Promise<Float64Array> {
  const { network, pool } = runner;
  const { height: positions } = network.input;
  const [width] = inferShapes(network).get(layer.behind)!;
  const behind = networkBehind(network, layer.behind, width);
  const start = new Float32Array(count * positions * (width + 1));
  for (let i = 0; i < count; i++) {
    for (let t = 0; t < positions; t++) {
      const at = (i * positions + t) * (width + 1);
      start.set(readings.behind(layer, i, t), at);
      start[at + width] = inputs[2 * (i * positions + t) + 1];
    }
  }
  const at = places.map((place, i) => (i * positions + place) * (width + 1));
  const lengths = at.map((from) => norm(start.subarray(from, from + width)));
  const length = lengths.reduce((sum, value) => sum + value, 0) / count;
  const delta = new Float32Array(width);
  const gradient = new Float32Array(width);
  const adam = new Adam(width);
  const feeds = new Map(foldState(network, state)).set("targets", targets);
  const name = `edit: behind ${layer.behind}`;
  for (let step = 0; step < steps; step++) {
    const input = start.slice();
    for (const from of at) for (let k = 0; k < width; k++) input[from + k] += delta[k];
    feeds.set("input", input);
    const results = await pool.run(name, behind, count, (l) => inputGradientProgram(l, behind), feeds);
    const slope = results.get(INPUT_GRADIENT)!;
    const size = norm(delta);
    for (let k = 0; k < width; k++) {
      // The decay is that of the published code: decay·‖δ‖/‖z‖².
      gradient[k] = size === 0 ? 0 : (decay * delta[k]) / (size * length ** 2);
      for (const from of at) gradient[k] += slope[from + k];
    }
    adam.step(delta, gradient, learning_rate);
    const shrink = Math.min(1, (most * length) / norm(delta));
    for (let k = 0; k < width; k++) delta[k] *= shrink;
  }
  return Float64Array.from(delta);
}

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
