import { Random } from "../../src/core/random.ts";
import { type ImageSet, imageSize } from "../../src/images/image-set.ts";

/**
 * Multinomial logistic regression on raw pixels by mini-batch gradient descent: what a linear classifier can do.
 *
 * @returns accuracy on `test`
 */
export function linearAccuracy(train: ImageSet, test: ImageSet, classes: number, epochs: number): number {
  const size = imageSize(train);
  const weights = new Float32Array(classes * (size + 1));
  const random = new Random(5);
  const batch = 20;
  const gradient = new Float32Array(weights.length);
  const image = new Float32Array(size + 1);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = 0.01 * (1 - epoch / epochs);
    const order = random.permutation(train.count);
    for (let i = 0; i < order.length; i++) {
      read(train, order[i], image);
      const share = softmax(scores(weights, image, classes));
      share[train.labels[order[i]]] -= 1;
      for (let k = 0; k < classes; k++) {
        const step = share[k];
        for (let j = 0, at = k * (size + 1); j <= size; j++, at++) gradient[at] += step * image[j];
      }
      if ((i + 1) % batch === 0) {
        for (let j = 0; j < weights.length; j++) weights[j] -= (rate / batch) * gradient[j] + rate * 1e-3 * weights[j];
        gradient.fill(0);
      }
    }
  }
  let hits = 0;
  for (let i = 0; i < test.count; i++) {
    read(test, i, image);
    const found = scores(weights, image, classes);
    if (found.indexOf(Math.max(...found)) === test.labels[i]) hits++;
  }
  return hits / test.count;
}

/** One image on the scale of about ±2, then a constant for the bias. */
function read(set: ImageSet, index: number, out: Float32Array): void {
  const size = imageSize(set);
  for (let j = 0; j < size; j++) out[j] = (set.pixels[index * size + j] - 107) / 54;
  out[size] = 1;
}

function scores(weights: Float32Array, image: Float32Array, classes: number): number[] {
  return Array.from({ length: classes }, (_, k) => {
    let sum = 0;
    for (let j = 0, at = k * image.length; j < image.length; j++, at++) sum += weights[at] * image[j];
    return sum;
  });
}

function softmax(values: number[]): number[] {
  const top = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
