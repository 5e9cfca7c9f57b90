const EPSILON = 1e-7;

/**
 * Numbers of the real line squashed into (0, 1), as the original does it: `½·(tanh(p)/(1 + ½·1e-7) + 1)`
 * (docs/methods.md §10.3).
 */
export class Squashed {
  /** Of the real line; whoever changes them calls {@link show}. */
  readonly parameters: Float32Array;
  readonly values: Float32Array;
  /** Kept for the gradient, since it takes longer than all else. */
  private readonly tanh: Float64Array;

  constructor(parameters: Float32Array) {
    this.parameters = parameters;
    this.values = new Float32Array(parameters.length);
    this.tanh = new Float64Array(parameters.length);
    this.show();
  }

  /** Squashes the parameters as they are now. */
  show(): void {
    const { parameters, values, tanh } = this;
    for (let i = 0; i < parameters.length; i++) {
      tanh[i] = Math.tanh(parameters[i]);
      values[i] = tanh[i] / (2 + EPSILON) + 0.5;
    }
  }

  /** The gradient by the parameters from that by the squashed values. @param plus added to each of the latter */
  gradient(byValues: Float32Array, plus = 0): Float32Array {
    const { tanh } = this;
    return byValues.map((g, i) => (Math.fround(g + plus) * (1 - tanh[i] ** 2)) / (2 + EPSILON));
  }
}
