import { foldState } from "../graph/fold.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { OUTPUT } from "../graph/network.ts";
import type { Program } from "../graph/onnx.ts";
import { blendProgram } from "../graph/programs/blend.ts";
import { blendsProgram } from "../graph/programs/blends.ts";
import type { StateDict } from "../tensor/state.ts";
import type { Runtime } from "./runtime.ts";

/** A pattern to be blended into some images, and the class that they are to go to; see {@link BlendGradients.at}. */
export interface Blend {
  images: Float32Array;
  target: number;
  opacity: Float32Array;
  pattern: Float32Array;
}

/** Mean cross-entropy towards a class and its gradients by what was blended in; arrays are valid until the next call. */
export interface BlendResult {
  loss: number;
  /** `[batch, width]` */
  outputs: Float32Array;
  /** `[height × width]` */
  opacity: Float32Array;
  /** `[C × height × width]`, by the pattern in pixels of [0, 1]. */
  pattern: Float32Array;
}

/**
 * A model under a pattern Δ blended into all of its images with opacity M: `x̃ = (1 − M)·x + M·Δ` in pixels
 * (docs/methods.md §10.3).
 */
export interface BlendGradients {
  /**
   * @param images `[batch, C, H, W]`, normalised
   * @param opacity `[height × width]` in [0, 1]
   * @param pattern `[C × height × width]` in [0, 1]
   */
  at(images: Float32Array, target: number, opacity: Float32Array, pattern: Float32Array): Promise<BlendResult>;
  /**
   * Several in one batch, none of which knows of the others: larger batches keep the processor busier.
   *
   * @param blends of equally many images
   */
  together(blends: readonly Blend[]): Promise<BlendResult[]>;
  /** As `at`, by the task's own loss. @param targets of that loss, `[batch, size]` */
  toward(
    images: Float32Array,
    targets: Float32Array,
    opacity: Float32Array,
    pattern: Float32Array,
  ): Promise<BlendResult>;
}

/** The ONNX Runtime implementation of {@link BlendGradients}. */
export class OrtBlend implements BlendGradients {
  private readonly runner: Runtime;
  private readonly feeds = new Map<string, Float32Array>();
  private readonly towardFeeds = new Map<string, Float32Array>();
  private readonly frozen: Map<string, Float32Array>;
  private readonly pattern: Float32Array;
  private readonly target: Float32Array;
  private readonly groupFeeds = new Map<string, Map<string, Float32Array>>();

  constructor(runner: Runtime, state: StateDict) {
    this.runner = runner;
    const { input, classes } = runner.network;
    this.pattern = new Float32Array(input.channels * input.height * input.width);
    this.target = new Float32Array(classes);
    this.frozen = new Map(foldState(runner.network, state));
  }

  at(images: Float32Array, target: number, opacity: Float32Array, pattern: Float32Array): Promise<BlendResult> {
    this.target.fill(0);
    this.target[target] = 1;
    this.feeds.set("target", this.target);
    const make = (lowering: Lowering) => blendProgram(lowering, this.runner.network);
    return this.run("blend", make, this.feeds, images, opacity, pattern);
  }

  toward(
    images: Float32Array,
    targets: Float32Array,
    opacity: Float32Array,
    pattern: Float32Array,
  ): Promise<BlendResult> {
    const { network, task } = this.runner;
    const make = (lowering: Lowering) => blendProgram(lowering, network, task.loss.objective);
    this.towardFeeds.set("targets", targets);
    return this.run("blend toward", make, this.towardFeeds, images, opacity, pattern);
  }

  private async run(
    key: string,
    make: (lowering: Lowering) => Program,
    feeds: Map<string, Float32Array>,
    images: Float32Array,
    opacity: Float32Array,
    pattern: Float32Array,
  ): Promise<BlendResult> {
    const { network, normalization, pool } = this.runner;
    const plane = opacity.length;
    const channelOf = (k: number) => Math.floor(k / plane);
    for (let k = 0; k < pattern.length; k++) {
      const c = channelOf(k);
      this.pattern[k] = (pattern[k] - normalization.mean[c]) / normalization.std[c];
    }
    feeds.set("input", images).set("opacity", opacity).set("pattern", this.pattern);
    const batch = images.length / pattern.length;
    const outputs = await pool.run(key, network, batch, make, feeds, this.frozen);
    const byPattern = outputs.get("pattern_gradient")!;
    for (let k = 0; k < byPattern.length; k++) byPattern[k] /= normalization.std[channelOf(k)];
    return {
      loss: outputs.get("loss")![0],
      outputs: outputs.get(OUTPUT)!,
      opacity: outputs.get("opacity_gradient")!,
      pattern: byPattern,
    };
  }

  async together(blends: readonly Blend[]): Promise<BlendResult[]> {
    const [first] = blends;
    if (blends.length === 1) return [await this.at(first.images, first.target, first.opacity, first.pattern)];
    const { network, normalization, pool } = this.runner;
    const { mean, std } = normalization;
    const { channels, height, width } = network.input;
    const [plane, size] = [height * width, channels * height * width];
    const [groups, each] = [blends.length, first.images.length / size];
    if (blends.some(({ images }) => images.length !== each * size)) throw new Error("blends of unequally many images");
    const feeds = this.feedsOfGroups(groups, each);
    feeds.get("targets")!.fill(0);
    for (const [g, { images, target, opacity, pattern }] of blends.entries()) {
      feeds.get("input")!.set(images, g * each * size);
      feeds.get("opacity")!.set(opacity, g * plane);
      for (let i = 0; i < each; i++) feeds.get("targets")![(g * each + i) * network.classes + target] = 1;
      const normalised = feeds.get("pattern")!;
      for (let k = 0; k < size; k++) {
        const c = Math.floor(k / plane);
        normalised[g * size + k] = (pattern[k] - mean[c]) / std[c];
      }
    }
    const make = (lowering: Parameters<typeof blendsProgram>[0]) => blendsProgram(lowering, network, groups);
    const outputs = await pool.run(`blends ${groups}`, network, groups * each, make, feeds, this.frozen);
    const part = (key: string, g: number) => {
      const all = outputs.get(key)!;
      const share = all.length / groups;
      return all.subarray(g * share, (g + 1) * share);
    };
    return blends.map((_, g) => {
      const byPattern = part("pattern_gradient", g);
      for (let k = 0; k < size; k++) byPattern[k] /= std[Math.floor(k / plane)];
      return {
        loss: outputs.get("loss")![g],
        outputs: part(OUTPUT, g),
        opacity: part("opacity_gradient", g),
        pattern: byPattern,
      };
    });
  }

  private feedsOfGroups(groups: number, each: number): Map<string, Float32Array> {
    const key = `${groups} ${each}`;
    const known = this.groupFeeds.get(key);
    if (known) return known;
    const { input, classes } = this.runner.network;
    const plane = input.height * input.width;
    const size = input.channels * plane;
    const sizes = { input: each * size, opacity: plane, pattern: size, targets: each * classes };
    const made = new Map(Object.entries(sizes).map(([name, length]) => [name, new Float32Array(groups * length)]));
    this.groupFeeds.set(key, made);
    return made;
  }
}
