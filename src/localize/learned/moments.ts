/** Moments over samples of what is known of every neuron, by neuron. */
export interface Moments {
  deviation: Float64Array;
  skew: Float64Array;
  kurtosis: Float64Array;
  /** The share of samples with a positive value. */
  awake: Float64Array;
}

/** @param values `[count × width]` */
export function momentsOf(values: Float32Array, width: number, count: number): Moments {
  const moments = {
    deviation: new Float64Array(width),
    skew: new Float64Array(width),
    kurtosis: new Float64Array(width),
    awake: new Float64Array(width),
  };
  for (let c = 0; c < width; c++) {
    let mean = 0;
    for (let i = 0; i < count; i++) mean += values[i * width + c] / count;
    const powers = [0, 0, 0];
    for (let i = 0; i < count; i++) {
      const difference = values[i * width + c] - mean;
      for (let k = 0; k < 3; k++) powers[k] += difference ** (k + 2) / count;
      if (values[i * width + c] > 0) moments.awake[c] += 1 / count;
    }
    const deviation = Math.sqrt(powers[0]) + 1e-6;
    moments.deviation[c] = deviation;
    moments.skew[c] = powers[1] / deviation ** 3;
    moments.kurtosis[c] = powers[2] / deviation ** 4;
  }
  return moments;
}
