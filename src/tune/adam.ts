export interface AdamSettings {
  /** Decay of the first and second moment. */
  betas: readonly [number, number];
}

/** Adam over one array (Kingma & Ba 2015; defaults and ε placement as in PyTorch), updated in place. */
export class Adam {
  private readonly betas: readonly [number, number];
  private readonly first: Float64Array;
  private readonly second: Float64Array;
  private steps = 0;

  constructor(size: number, { betas }: AdamSettings = { betas: [0.9, 0.999] }) {
    this.betas = betas;
    this.first = new Float64Array(size);
    this.second = new Float64Array(size);
  }

  /** `values ← values − lr·m̂/(√v̂ + ε)`. */
  step(values: Float32Array, gradient: Float32Array, learningRate: number): void {
    const [beta1, beta2] = this.betas;
    const epsilon = 1e-8;
    this.steps++;
    const correction1 = 1 - beta1 ** this.steps;
    const correction2 = Math.sqrt(1 - beta2 ** this.steps);
    const { first, second } = this;
    for (let i = 0; i < values.length; i++) {
      const g = gradient[i];
      first[i] = beta1 * first[i] + (1 - beta1) * g;
      second[i] = beta2 * second[i] + (1 - beta2) * g * g;
      values[i] -= (learningRate * first[i]) / correction1 / (Math.sqrt(second[i]) / correction2 + epsilon);
    }
  }
}
