import type { Random } from "../../core/random.ts";
import { chooseLowering } from "../../engine/lowering.ts";
import { Session } from "../../engine/session.ts";
import { foldState } from "../../graph/fold.ts";
import type { Network } from "../../graph/network.ts";
import { featureProgram } from "../../graph/programs/features.ts";
import type { StateDict } from "../../tensor/state.ts";
import { Adam } from "../../tune/adam.ts";
import { halfCosine } from "../../tune/schedule.ts";
import type { Normalization } from "../image-set.ts";

export interface ActivationTask {
  network: Network;
  normalization: Normalization;
  state: StateDict;
  threads: number;
  /** Indices of the classifier's inputs that are to rise. */
  inputs: number[];
  /** What each of them is to reach. */
  value: number;
  /** Positions `y·width + x` that may be painted; all others are black. */
  mask: number[];
  steps: number;
  /** Adam's peak rate; a cosine takes it to 0. */
  learningRate: number;
  random: Random;
}

/**
 * Paints an image that brings chosen features near a value (docs/methods.md §5.3): minimises `Σ_i (A_i − v)²` over
 * `pixel = (tanh u + 1)/2` inside the mask, from `u ~ N(0, 1)`, with the normalised image going into the network.
 * @returns the image `[3, height, width]` in uint8
 */
export async function paintActivating(task: ActivationTask): Promise<Uint8Array> {
  const { network, normalization, mask, random } = task;
  const { channels, height, width } = network.input;
  const plane = height * width;
  const session = await Session.open(featureProgram(await chooseLowering(network, 1), network), task);
  try {
    const [, inputs] = session.inputShape("aim");
    const chosen = new Float32Array(inputs);
    for (const i of task.inputs) chosen[i] = 1;
    const image = Float32Array.from({ length: channels * plane }, (_, k) => normalise(normalization, k, plane, 0));
    const feeds = new Map(foldState(network, task.state))
      .set("input", image)
      .set("chosen", chosen)
      .set("aim", new Float32Array(inputs).fill(task.value));
    const painted = Int32Array.from({ length: channels * mask.length }, (_, k) => {
      return Math.floor(k / mask.length) * plane + mask[k % mask.length];
    });
    const u = Float32Array.from(painted, () => random.normal());
    const gradient = new Float32Array(u.length);
    const adam = new Adam(u.length);
    for (let step = 0; step < task.steps; step++) {
      for (const [k, at] of painted.entries()) image[at] = normalise(normalization, at, plane, pixelOf(u[k]));
      const byImage = (await session.run(feeds)).get("image_gradient")!;
      for (const [k, at] of painted.entries()) {
        const slope = (1 - Math.tanh(u[k]) ** 2) / 2 / normalization.std[Math.floor(at / plane)];
        gradient[k] = byImage[at] * slope;
      }
      adam.step(u, gradient, halfCosine(step, task.steps, task.learningRate, 0));
    }
    const result = new Uint8Array(channels * plane);
    for (const [k, at] of painted.entries()) result[at] = Math.round(255 * pixelOf(u[k]));
    return result;
  } finally {
    await session.release();
  }
}

function pixelOf(u: number): number {
  return (Math.tanh(u) + 1) / 2;
}

/** A pixel in [0, 1] as the network sees it; `at` is its position in `[3, height, width]`. */
function normalise({ mean, std }: Normalization, at: number, plane: number, pixel: number): number {
  const channel = Math.floor(at / plane);
  return (pixel - mean[channel]) / std[channel];
}
