import type { Random } from "../core/random.ts";
import type { Samples } from "../core/samples.ts";
import type { Network } from "../graph/network.ts";
import type { Augmentation } from "../images/batch.ts";
import type { Normalization } from "../images/image-set.ts";
import type { Augmenter, Encoder } from "../tasks/input-codec.ts";
import type { Task } from "../tasks/task.ts";

/** Encoded samples `[batch, …]`, with the `targets` of their task's loss `[batch, size]`. */
export interface Fed {
  inputs: Float32Array;
  targets: Float32Array;
}

export interface Batch extends Fed {
  /** What the batch holds, with its truths. */
  samples: Samples;
}

/** How samples become batches: what a defender knows of a model. */
export interface BatchMaking {
  task: Pick<Task, "words" | "inputs" | "loss">;
  network: Network;
  augmentation: Augmentation;
  normalization: Normalization;
}

/** Batches are multiples of this: what the runtime splits well. */
const GRAIN = 8;

/**
 * Batches of the defender's samples as training makes them: augmented and encoded, with their truths. Two sets of
 * arrays are used in turn, so a batch is valid until the one after the next.
 */
export class CleanBatches {
  readonly batch: number;
  private readonly task: BatchMaking["task"];
  private readonly count: number;
  private readonly random: Random;
  private readonly encoder: Encoder;
  private readonly answer: number;
  private readonly buffers: (Batch & { augmenter: Augmenter })[];
  private turn = 0;

  /** @throws Error where there are no samples */
  constructor(making: BatchMaking, samples: Samples, batch: number, random: Random) {
    const { task, network, augmentation, normalization } = making;
    if (samples.count === 0) throw new Error(`clean ${task.words.samples} are needed, and there are none`);
    this.batch = batch;
    this.task = task;
    this.count = samples.count;
    this.random = random;
    this.encoder = task.inputs.encoder(samples, normalization);
    this.answer = task.loss.size(network);
    this.buffers = [0, 1].map(() => {
      const augmenter = task.inputs.augmenter(samples, augmentation, batch);
      return {
        inputs: new Float32Array(batch * this.encoder.size),
        targets: new Float32Array(batch * this.answer),
        samples: augmenter.drawn,
        augmenter,
      };
    });
  }

  /** A batch drawn with replacement. */
  draw(): Batch {
    return this.fill(Array.from({ length: this.batch }, () => this.random.below(this.count)));
  }

  /** The set in a new order, batch by batch; what does not fill a batch is left out. */
  *epoch(): Generator<Batch> {
    const order = this.random.permutation(this.count);
    for (let start = 0; start + this.batch <= order.length; start += this.batch) {
      yield this.fill(order.subarray(start, start + this.batch));
    }
  }

  private fill(indices: ArrayLike<number>): Batch {
    const { encoder, answer, random } = this;
    const filled = this.buffers[this.turn];
    this.turn = 1 - this.turn;
    for (let k = 0; k < indices.length; k++) {
      filled.augmenter.draw(k, indices[k], random);
      encoder.write(filled.samples, k, filled.inputs, k * encoder.size);
      this.task.loss.write(filled.samples, k, filled.targets.subarray(k * answer, (k + 1) * answer));
    }
    return filled;
  }
}

/** A batch of at most `most` samples that cuts a set into parts of one size and leaves out few. */
export function evenBatch(count: number, most: number): number {
  const each = Math.floor(count / Math.ceil(count / most));
  return each > GRAIN ? each - (each % GRAIN) : each;
}
