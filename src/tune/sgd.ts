/** An optimizer over one array, updated in place. */
export interface Optimizer {
  step(values: Float32Array, gradient: Float32Array, learningRate: number): void;
}

export interface SgdSettings {
  momentum: number;
  weightDecay: number;
}

/** SGD with momentum over one array, as PyTorch has it: `g ← ∇ + wd·θ`, `v ← µ·v + g` (at first `v = g`), `θ ← θ − lr·v`. */
export class Sgd implements Optimizer {
  private readonly velocity: Float64Array;
  private readonly settings: SgdSettings;

  constructor(size: number, settings: SgdSettings) {
    this.velocity = new Float64Array(size);
    this.settings = settings;
  }

  step(values: Float32Array, gradient: Float32Array, learningRate: number): void {
    const { velocity } = this;
    const { momentum, weightDecay } = this.settings;
    for (let i = 0; i < values.length; i++) {
      // The velocity starts at 0, so the first step is the plain gradient's.
      velocity[i] = momentum * velocity[i] + gradient[i] + weightDecay * values[i];
      values[i] -= learningRate * velocity[i];
    }
  }
}
