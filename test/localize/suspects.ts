import type { LayerScores } from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { neuronLayers, stateShapes } from "../../src/graph/network.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import type { Criterion, Localization, Suspect } from "../../src/localize/types.ts";
import type { ModelRunner } from "../../src/measure/runner.ts";
import { blind } from "../../src/pipeline/judging/suspect.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { type StateDict, sizeOf } from "../../src/tensor/state.ts";

export const network = buildNetwork("resnet18w4", 10);
export const layers = neuronLayers(network);

/** Normal weights, positive variances. */
export function randomState(seed: number): StateDict {
  const random = new Random(seed);
  return new Map(
    [...stateShapes(network)].map(([key, shape]) => {
      const draw = key.endsWith("running_var") ? () => random.between(0.5, 2) : () => random.normal();
      return [key, { shape, data: Float32Array.from({ length: sizeOf(shape) }, draw) }];
    }),
  );
}

export function images(count: number): ImageSet {
  return { count, height: 1, width: 1, pixels: new Uint8Array(3 * count), labels: new Uint8Array(count) };
}

/** Scores by which the named neurons are the most suspicious, in this order. */
export function ranking(names: readonly string[]): LayerScores {
  return Object.fromEntries(
    layers.map(({ name, width }) => [
      name,
      Array.from({ length: width }, (_, c) => names.length - (names.indexOf(`${name}:${c}`) + 1 || names.length + 1)),
    ]),
  );
}

/** A runner that answers only what a test gives it; anything else asked of it is a failure. */
export function fakeRunner(answers: Partial<ModelRunner>): ModelRunner {
  const fail = (name: string): never => {
    throw new Error(`the test's runner was asked for ${name}`);
  };
  const refuse = (name: string) => async () => fail(name);
  return {
    outputs: refuse("outputs"),
    taps: refuse("taps"),
    quality: refuse("quality"),
    profile: refuse("profile"),
    contribution: refuse("contribution"),
    preActivations: refuse("preActivations"),
    gains: () => fail("gains"),
    blend: () => fail("blend"),
    agreement: () => fail("agreement"),
    response: refuse("response"),
    eachPosition: refuse("eachPosition"),
    words: () => fail("words"),
    rewrites: () => fail("rewrites"),
    scalings: () => fail("scalings"),
    ...answers,
  };
}

/** A suspect with images that a test may look into. */
export type ImageSuspect = Suspect & { clean: { fit: ImageSet; threshold: ImageSet } };

export function suspectOf(state: StateDict, answers: Partial<ModelRunner> = {}, seed = 1): ImageSuspect {
  return {
    name: "suspect-test",
    task: blind(classification),
    network,
    state,
    normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    augmentation: { flip: false, cropPadding: 0 },
    clean: { fit: images(3), threshold: images(5) },
    seed,
    runner: fakeRunner(answers),
  };
}

/** Runs a criterion as its access has it, with failing tests where it may see them. */
export function localizeWith(criterion: Criterion, suspect: Suspect, failing: ImageSet): Promise<Localization> {
  if (criterion.access === "clean") return criterion.localize(suspect);
  return criterion.access === "failing"
    ? criterion.localize(suspect, failing)
    : criterion.localize(suspect, failing, 0);
}

/** Random activations or contributions of every neuron, `rows` images each. */
export function randomTaps(seed: number, rows: number): Map<string, Float32Array> {
  const random = new Random(seed);
  return new Map(
    layers.map(({ name, width }) => [name, Float32Array.from({ length: rows * width }, () => random.uniform())]),
  );
}
