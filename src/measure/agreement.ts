import { foldState } from "../graph/fold.ts";
import { OUTPUT } from "../graph/network.ts";
import { agreement } from "../graph/objectives/agreement.ts";
import { blendProgram } from "../graph/programs/blend.ts";
import type { StateDict } from "../tensor/state.ts";
import type { BlendResult } from "./blend.ts";
import type { Runtime } from "./runtime.ts";

/**
 * A model under a pattern Δ blended into all of its images with opacity M, asked how far they leave their classes for one
 * class in common, whichever (docs/methods.md §10.13).
 */
export interface AgreementGradients {
  /**
   * `L = E p_y − Σ_j (E p_j)²` and its gradients; arrays are valid until the next call.
   *
   * @param images `[batch, C, H, W]`, normalised
   * @param labels the true class of each
   * @param opacity `[height × width]` in [0, 1]
   * @param pattern `[C × height × width]` in [0, 1]
   */
  at(
    images: Float32Array,
    labels: ArrayLike<number>,
    opacity: Float32Array,
    pattern: Float32Array,
  ): Promise<BlendResult>;
}

/** The ONNX Runtime implementation of {@link AgreementGradients}. */
export class OrtAgreement implements AgreementGradients {
  private readonly runner: Runtime;
  private readonly frozen: Map<string, Float32Array>;
  private readonly pattern: Float32Array;

  constructor(runner: Runtime, state: StateDict) {
    this.runner = runner;
    const { channels, height, width } = runner.network.input;
    this.pattern = new Float32Array(channels * height * width);
    this.frozen = new Map(foldState(runner.network, state));
  }

  async at(
    images: Float32Array,
    labels: ArrayLike<number>,
    opacity: Float32Array,
    pattern: Float32Array,
  ): Promise<BlendResult> {
    const { network, normalization, pool } = this.runner;
    const { mean, std } = normalization;
    const plane = opacity.length;
    const channelOf = (k: number) => Math.floor(k / plane);
    for (let k = 0; k < pattern.length; k++) this.pattern[k] = (pattern[k] - mean[channelOf(k)]) / std[channelOf(k)];
    const batch = images.length / pattern.length;
    const targets = new Float32Array(batch * network.classes);
    for (let i = 0; i < batch; i++) targets[i * network.classes + labels[i]] = 1;
    const feeds = new Map(Object.entries({ input: images, opacity, pattern: this.pattern, targets }));
    const make = (lowering: Parameters<typeof blendProgram>[0]) => blendProgram(lowering, network, agreement);
    const outputs = await pool.run("agreement", network, batch, make, feeds, this.frozen);
    const byPattern = outputs.get("pattern_gradient")!;
    for (let k = 0; k < byPattern.length; k++) byPattern[k] /= std[channelOf(k)];
    return {
      loss: outputs.get("loss")![0],
      outputs: outputs.get(OUTPUT)!,
      opacity: outputs.get("opacity_gradient")!,
      pattern: byPattern,
    };
  }
}
