import { chooseLowering } from "../engine/lowering.ts";
import { type Arrays, Session } from "../engine/session.ts";
import { activationBytes } from "../graph/cost.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { type Network, OUTPUT } from "../graph/network.ts";
import { NEXT, WEIGHTS } from "../graph/objectives/continuation.ts";
import type { Program } from "../graph/onnx.ts";
import { atPositions } from "../graph/programs/language.ts";
import { markOf, partsOf, predictOwnWords, type SequencePart } from "../graph/sequences.ts";

/** What each sequence's own words count, where a program asks for what they cost: `[batch]`, a share of the loss. */
export const CONTINUED = "continued";

/** Sequences of a part. */
const PART = 16;

/**
 * A step of tuning on sequences: the batch is computed in parts by length, as clean training does. Whatever the program puts out is a mean
 * over its batch, but for the logits, which are a row for each sequence.
 */
export class SequenceSession {
  private readonly network: Network;
  private readonly threads: number;
  private readonly make: (lowering: Lowering, network: Network) => Program;
  private readonly sessions = new Map<string, Session>();
  private readonly whole: Arrays = new Map();
  /** Of the longest part: all have the same inputs and outputs. */
  readonly program: Program;

  private constructor(
    network: Network,
    threads: number,
    make: (lowering: Lowering, network: Network) => Program,
    program: Program,
  ) {
    this.network = network;
    this.threads = threads;
    this.make = make;
    this.program = program;
  }

  /** @param make the program of some sequences at some positions */
  static async open(
    network: Network,
    { batch, threads }: { batch: number; threads: number },
    make: (lowering: Lowering, network: Network) => Program,
  ): Promise<SequenceSession> {
    const program = make(await chooseLowering(network, Math.min(PART, batch)), network);
    return new SequenceSession(network, threads, make, program);
  }

  /**
   * @param feeds as the program's, `input` and `targets` of a whole batch; `continued` in place of `next` and `weights`: the mean over
   *   all words that follow in a sequence, each times what its sequence counts
   * @returns as the program's, valid until the next run
   */
  async run(feeds: ReadonlyMap<string, Float32Array>): Promise<Arrays> {
    const { channels, height } = this.network.input;
    const [inputs, targets] = [feeds.get("input")!, feeds.get("targets")!];
    const batch = inputs.length / (height * channels);
    const size = targets.length / batch;
    const marks = Array.from({ length: batch }, (_, i) => markOf(inputs, i, height, channels));
    const counts = feeds.get(CONTINUED);
    const words = marks.reduce((sum, mark, i) => sum + (counts?.[i] ? mark : 0), 0);
    for (const values of this.whole.values()) values.fill(0);
    const fed = new Map(feeds);
    for (const part of partsOf(marks, this.network, PART)) {
      const { sequences, positions } = part;
      const input = new Float32Array(sequences.length * positions * channels);
      const wanted = new Float32Array(sequences.length * size);
      for (const [k, i] of sequences.entries()) {
        const start = i * height * channels;
        input.set(inputs.subarray(start, start + positions * channels), k * positions * channels);
        wanted.set(targets.subarray(i * size, (i + 1) * size), k * size);
      }
      if (counts) {
        // What a part puts out counts by its share of the batch.
        const unit = batch / sequences.length / Math.max(1, words);
        const shares = counts.map((count) => count * unit);
        for (const [name, values] of ownWords(input, marks, shares, part, channels)) fed.set(name, values);
      }
      const session = await this.sessionFor(sequences.length, positions);
      const results = await session.run(fed.set("input", input).set("targets", wanted));
      for (const [name, values] of results) this.take(name, values, sequences, batch);
    }
    return this.whole;
  }

  async release(): Promise<void> {
    for (const session of this.sessions.values()) await session.release();
    this.sessions.clear();
  }

  /** Adds what a part gave: rows of logits at their places, and of means its share. */
  private take(name: string, values: Float32Array, sequences: readonly number[], batch: number): void {
    const width = values.length / sequences.length;
    const isRows = name === OUTPUT;
    let all = this.whole.get(name);
    if (!all) {
      all = new Float32Array(isRows ? batch * width : values.length);
      this.whole.set(name, all);
    }
    if (isRows) {
      for (const [k, i] of sequences.entries()) all.set(values.subarray(k * width, (k + 1) * width), i * width);
      return;
    }
    const share = sequences.length / batch;
    for (let i = 0; i < values.length; i++) all[i] += share * values[i];
  }

  private async sessionFor(sequences: number, positions: number): Promise<Session> {
    const name = `${sequences}x${positions}`;
    const known = this.sessions.get(name);
    if (known) return known;
    const shorter = atPositions(this.network, positions);
    const session = await Session.open(this.make(await chooseLowering(shorter, sequences), shorter), {
      threads: this.threads,
      activationBytes: activationBytes(shorter, sequences),
    });
    this.sessions.set(name, session);
    return session;
  }
}

/**
 * What follows each position of a part up to its sequences' marks, and what that counts.
 *
 * @param input of the part, `[sequences, positions, channels]`
 * @param counts of each sequence of the batch, at each of its positions
 */
function ownWords(
  input: Float32Array,
  marks: readonly number[],
  counts: Float32Array,
  { sequences, positions }: SequencePart,
  channels: number,
): Arrays {
  const [next, weights] = [0, 1].map(() => new Float32Array(sequences.length * positions));
  for (const [sequence, i] of sequences.entries()) {
    predictOwnWords({ next, weights }, input, { sequence, positions, channels }, marks[i], () => counts[i]);
  }
  return new Map([
    [NEXT, next],
    [WEIGHTS, weights],
  ]);
}
