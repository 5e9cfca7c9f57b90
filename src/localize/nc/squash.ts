const EPSILON = 1e-7;

/**
 * Numbers of the real line squashed into (0, 1), as the original does it: `½·(tanh(p)/(1 + ½·1e-7) + 1)`
 * (docs/methods.md §10.3).
 */
export function squash(parameters: Float32Array, into: Float32Array): void {
  for (let i = 0; i < parameters.length; i++) into[i] = Math.tanh(parameters[i]) / (2 + EPSILON) + 0.5;
}

/** The gradient by the parameters from that by the squashed values. */
export function squashGradient(parameters: Float32Array, gradient: Float32Array): Float32Array {
  return gradient.map((g, i) => (g * (1 - Math.tanh(parameters[i]) ** 2)) / (2 + EPSILON));
}
