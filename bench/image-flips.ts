import { Random } from "../src/core/random.ts";
import { foldState } from "../src/graph/fold.ts";
import { FoldedUnits } from "../src/graph/folded.ts";
import type { Lowering } from "../src/graph/lowering/lowering.ts";
import type { Network } from "../src/graph/network.ts";
import { crossEntropy } from "../src/graph/objectives/cross-entropy.ts";
import { emitMeanLoss } from "../src/graph/objectives/objective.ts";
import type { Program } from "../src/graph/onnx.ts";
import { declareClassifier } from "../src/graph/programs/classifier.ts";
import { Walk } from "../src/graph/walk.ts";
import { firstOf, indicesOutside, subset } from "../src/images/batch.ts";
import type { ImageSet } from "../src/images/image-set.ts";
import { encodeAll } from "../src/measure/batches.ts";
import { ProgramPool } from "../src/measure/pool.ts";
import { Draws } from "../src/reversal/draws.ts";
import type { ReversalSubject } from "../src/reversal/subject.ts";
import { Adam } from "../src/tune/adam.ts";

/** Ways to bring images to a class that are no patch. All pixels and distances are in [0, 1]. */

/** One picture for all: `δ = most·tanh(p)`, with `½·weight·‖δ‖²` beside the cross-entropy (after Moosavi-Dezfooli et al., CVPR 2017). */
const ADDITION = { steps: 50, batch: 32, images: 300, rate: 0.05, most: 60 / 255, weight: 0.3, spread: 0.1, seed: 5 };

/** Each image by itself: steps of projected gradient descent, each a quarter of the radius long (Madry et al., ICLR 2018). */
const MOVE_STEPS = 8;

const GRADIENT = "image_gradient";

function gradientProgram(lowering: Lowering, network: Network): Program {
  const { graph, batch } = lowering;
  const { channels, height, width } = network.input;
  const images = graph.input("input", [batch, channels, height, width]);
  const score = crossEntropy(lowering, network);
  const walk = new Walk(lowering, network, new FoldedUnits(lowering, network), { fuse: true, inputGradient: true });
  declareClassifier(lowering, network);
  const forward = walk.forward(lowering.fromNchw(images, channels, height, width));
  const slopes = emitMeanLoss(lowering, network, score, forward.logits);
  graph.output(GRADIENT, walk.backward(forward, slopes)!.tensor, [batch, channels, height, width]);
  return graph.finish();
}

/** Brings images to one class of one model. */
export class Flips {
  private readonly subject: ReversalSubject;
  private readonly target: number;
  private readonly frozen: Map<string, Float32Array>;
  private readonly pool = new ProgramPool(1);
  private readonly size: number;
  private readonly std: Float32Array;

  constructor(subject: ReversalSubject, target: number) {
    const { network, state, normalization } = subject;
    const { channels, height, width } = network.input;
    this.subject = subject;
    this.target = target;
    this.frozen = new Map(foldState(network, state));
    this.size = channels * height * width;
    this.std = Float32Array.from({ length: this.size }, (_, k) => normalization.std[Math.floor(k / (height * width))]);
  }

  release(): Promise<void> {
    return this.pool.release();
  }

  /** @param images normalised @returns the gradient of the mean cross-entropy towards the class, by pixels */
  private async gradient(images: Float32Array): Promise<Float32Array> {
    const { network } = this.subject;
    const count = images.length / this.size;
    const targets = new Float32Array(count * network.classes);
    for (let i = 0; i < count; i++) targets[i * network.classes + this.target] = 1;
    const feeds = new Map(Object.entries({ input: images, targets }));
    const outputs = await this.pool.run(
      GRADIENT,
      network,
      count,
      (l) => gradientProgram(l, network),
      feeds,
      this.frozen,
    );
    return outputs.get(GRADIENT)!.map((slope, k) => slope / this.std[k % this.size]);
  }

  /** With one picture added to all, which is sought on clean images of other classes, these among them. */
  async added(set: ImageSet): Promise<ImageSet> {
    const { subject, size, std } = this;
    const { fit } = subject.clean;
    const { most, weight, rate } = ADDITION;
    const random = new Random(ADDITION.seed);
    const others = firstOf(subset(fit, indicesOutside(fit, this.target)), ADDITION.images);
    const draws = new Draws(subject, others, ADDITION.batch, random);
    const parameters = Float32Array.from({ length: size }, () => ADDITION.spread * random.normal());
    const adam = new Adam(size, { betas: [0.5, 0.9] });
    let addition = parameters.map((p) => most * Math.tanh(p));
    for (let step = 0; step < ADDITION.steps; step++) {
      const slopes = await this.gradient(draws.next().map((x, k) => x + addition[k % size] / std[k % size]));
      const down = addition.map((d) => weight * d);
      for (const [k, slope] of slopes.entries()) down[k % size] += slope;
      for (let k = 0; k < size; k++) down[k] *= most * (1 - (addition[k] / most) ** 2);
      adam.step(parameters, down, rate);
      addition = parameters.map((p) => most * Math.tanh(p));
    }
    return { ...set, pixels: wholePixels(set.pixels, (k) => addition[k % size]) };
  }

  /** With each moved by itself, no further than a Euclidean radius. */
  async moved(set: ImageSet, radius: number): Promise<ImageSet> {
    const { size, std } = this;
    const images = encodeAll(this.subject, set);
    const moves = new Float32Array(images.length);
    for (let step = 0; step < MOVE_STEPS; step++) {
      const slopes = await this.gradient(images.map((x, k) => x + moves[k] / std[k % size]));
      for (let at = 0; at < moves.length; at += size) {
        const [own, slope] = [moves.subarray(at, at + size), slopes.subarray(at, at + size)];
        const down = radius / 4 / (Math.hypot(...slope) + 1e-12);
        for (let k = 0; k < size; k++) own[k] -= down * slope[k];
        const length = Math.hypot(...own);
        if (length > radius) for (let k = 0; k < size; k++) own[k] *= radius / length;
      }
    }
    return { ...set, pixels: wholePixels(set.pixels, (k) => moves[k]) };
  }
}

function wholePixels(pixels: Uint8Array, change: (k: number) => number): Uint8Array {
  return pixels.map((x, k) => Math.max(0, Math.min(255, Math.round(x + 255 * change(k)))));
}
