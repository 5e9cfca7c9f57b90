import { foldState } from "../graph/fold.ts";
import { blendProgram } from "../graph/programs/blend.ts";
import type { StateDict } from "../tensor/state.ts";
import type { Runtime } from "./runtime.ts";

/** Mean cross-entropy towards a class and its gradients by what was blended in; arrays are valid until the next call. */
export interface BlendResult {
  loss: number;
  /** `[batch, classes]` */
  logits: Float32Array;
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
}

/** The ONNX Runtime implementation of {@link BlendGradients}. */
export class OrtBlend implements BlendGradients {
  private readonly runner: Runtime;
  private readonly feeds = new Map<string, Float32Array>();
  private readonly frozen: Map<string, Float32Array>;
  private readonly pattern: Float32Array;
  private readonly target: Float32Array;

  constructor(runner: Runtime, state: StateDict) {
    this.runner = runner;
    const { input, classes } = runner.network;
    this.pattern = new Float32Array(input.channels * input.height * input.width);
    this.target = new Float32Array(classes);
    this.frozen = new Map(foldState(runner.network, state));
  }

  async at(images: Float32Array, target: number, opacity: Float32Array, pattern: Float32Array): Promise<BlendResult> {
    const { network, normalization, pool } = this.runner;
    const plane = opacity.length;
    const channelOf = (k: number) => Math.floor(k / plane);
    for (let k = 0; k < pattern.length; k++) {
      const c = channelOf(k);
      this.pattern[k] = (pattern[k] - normalization.mean[c]) / normalization.std[c];
    }
    this.target.fill(0);
    this.target[target] = 1;
    this.feeds.set("input", images).set("opacity", opacity).set("pattern", this.pattern).set("target", this.target);
    const batch = images.length / pattern.length;
    const make = (lowering: Parameters<typeof blendProgram>[0]) => blendProgram(lowering, network);
    const outputs = await pool.run("blend", network, batch, make, this.feeds, this.frozen);
    const byPattern = outputs.get("pattern_gradient")!;
    for (let k = 0; k < byPattern.length; k++) byPattern[k] /= normalization.std[channelOf(k)];
    return {
      loss: outputs.get("loss")![0],
      logits: outputs.get("logits")!,
      opacity: outputs.get("opacity_gradient")!,
      pattern: byPattern,
    };
  }
}
