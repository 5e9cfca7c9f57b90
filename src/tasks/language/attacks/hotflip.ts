import type { Random } from "../../../core/random.ts";
import { chooseLowering } from "../../../engine/lowering.ts";
import { Session } from "../../../engine/session.ts";
import { foldState } from "../../../graph/fold.ts";
import type { Network } from "../../../graph/network.ts";
import { ACTIVATION, activationProgram, INPUT_GRADIENT, SLOPE } from "../../../graph/programs/activation.ts";
import { atPositions, fromVectors } from "../../../graph/programs/language.ts";
import { type StateDict, tensorOf } from "../../../tensor/state.ts";
import { type TextSet, writeSequence } from "../text-set.ts";

/** Units of one layer that words are to excite. */
export interface Excitement {
  network: Network;
  state: StateDict;
  /** The layer, and its units. */
  layer: string;
  units: readonly number[];
  /** Texts that the words stand in, one gap each: what is before it stays, what is behind it follows them. */
  texts: TextSet;
  gaps: readonly number[];
  /** v in multiples of the 95th percentile of the units' magnitudes in these texts. */
  reach: number;
  /** Words, as one token each, that may be chosen. */
  vocabulary: readonly number[];
  /** How many words there are to be. */
  words: number;
  /** How many of them are tried at a place, the best by the gradient. */
  candidates: number;
  rounds: number;
  threads: number;
  random: Random;
}

export interface ExcitingWords {
  tokens: number[];
  /** v. */
  value: number;
  /** The loss of the words that were drawn first, and after each round. */
  losses: number[];
}

/**
 * Words that bring units near a value: TrojanNN's trigger carried over to text. Minimises `Σ (max_t a_{j,t} − v)²` over units j and
 * texts, t from the words' first on, by exchanging one word at a time (HotFlip, Ebrahimi et al. 2018): of all words those with the
 * smallest `(e_w − e_now)·∂L/∂e` are tried, and the best of them stays where it is better than what is there.
 */
export async function excitingWords(task: Excitement): Promise<ExcitingWords> {
  const { vocabulary, words, random, rounds } = task;
  const probe = await Probe.open(task);
  try {
    let tokens = Array.from({ length: words }, () => vocabulary[random.below(vocabulary.length)]);
    let loss = await probe.loss(tokens);
    const losses = [loss];
    for (let round = 0; round < rounds; round++) {
      for (let place = 0; place < words; place++) {
        for (const word of await probe.promising(tokens, place)) {
          const changed = tokens.with(place, word);
          const found = await probe.loss(changed);
          if (found < loss) [tokens, loss] = [changed, found];
        }
      }
      losses.push(loss);
      if (losses[round] === loss) break;
    }
    return { tokens, value: probe.value, losses };
  } finally {
    await probe.release();
  }
}

/** Computes losses of words in the texts, and their gradients. */
class Probe {
  value = 0;
  private readonly task: Excitement;
  private readonly positions: number;
  /** Where a text's own tokens begin. */
  private readonly first: number;
  private readonly forward: Session;
  private readonly backward: Session;
  private readonly feeds: Map<string, Float32Array>;
  private readonly table: Float32Array;
  private readonly width: number;

  private constructor(task: Excitement, positions: number, forward: Session, backward: Session) {
    this.task = task;
    this.positions = positions;
    this.first = task.texts.language.tokenizer.before.length;
    this.forward = forward;
    this.backward = backward;
    const { network, state } = task;
    this.feeds = new Map(foldState(network, state));
    const embedding = network.nodes.find((node) => node.op === "embedding")!;
    this.table = tensorOf(state, `${embedding.id}.weight`).data;
    this.width = embedding.width;
  }

  static async open(task: Excitement): Promise<Probe> {
    const { network, layer, texts, words, threads } = task;
    const { before, behind } = texts.language.tokenizer;
    const longest = Math.max(...texts.tokens.map(({ length }) => length)) + words + before.length + behind.length;
    const positions = Math.min(network.input.height, longest);
    const at = atPositions(network, positions);
    const open = async (net: Network, pulled: boolean) =>
      Session.open(activationProgram(await chooseLowering(net, texts.count), net, layer, pulled), { threads });
    const probe = new Probe(task, positions, await open(at, false), await open(fromVectors(at), true));
    await probe.setValue();
    return probe;
  }

  async loss(tokens: readonly number[]): Promise<number> {
    const { input, marks } = this.sequences(tokens);
    const activation = (await this.forward.run(this.feeds.set("input", input))).get(ACTIVATION)!;
    let sum = 0;
    for (const { short } of this.peaks(activation, marks)) sum += short ** 2;
    return sum;
  }

  /** The words that promise most at a place, the best first. */
  async promising(tokens: readonly number[], place: number): Promise<number[]> {
    const { vocabulary, candidates, gaps } = this.task;
    const { width, table, positions, first } = this;
    const { input, marks } = this.sequences(tokens);
    const activation = (await this.forward.run(this.feeds.set("input", input))).get(ACTIVATION)!;
    const slope = new Float32Array(activation.length);
    for (const { at, short } of this.peaks(activation, marks)) slope[at] += 2 * short;
    const feeds = this.feeds.set("input", this.lookedUp(input)).set(SLOPE, slope);
    const gradient = (await this.backward.run(feeds)).get(INPUT_GRADIENT)!;
    const sum = new Float64Array(width);
    for (const [i, gap] of gaps.entries()) {
      const from = (i * positions + first + gap + place) * (width + 1);
      for (let k = 0; k < width; k++) sum[k] += gradient[from + k];
    }
    // What is there now adds the same to all.
    const promise = vocabulary.map((word) => {
      let product = 0;
      for (let k = 0; k < width; k++) product += table[word * width + k] * sum[k];
      return { word, product };
    });
    promise.sort((a, b) => a.product - b.product || a.word - b.word);
    return promise.slice(0, candidates).map(({ word }) => word);
  }

  async release(): Promise<void> {
    await this.forward.release();
    await this.backward.release();
  }

  /** Takes v from the texts as they are. */
  private async setValue(): Promise<void> {
    const { units, reach } = this.task;
    const { input, marks } = this.sequences([]);
    const activation = (await this.forward.run(this.feeds.set("input", input))).get(ACTIVATION)!;
    const all = activation.length / (marks.length * this.positions);
    const magnitudes = marks.flatMap((mark, i) =>
      Array.from({ length: mark + 1 }, (_, t) =>
        units.map((unit) => Math.abs(activation[(i * this.positions + t) * all + unit])),
      ).flat(),
    );
    magnitudes.sort((a, b) => a - b);
    this.value = reach * magnitudes[Math.floor(0.95 * (magnitudes.length - 1))];
  }

  /** Of every text and unit where it is highest from the words on, and how far that is from v. */
  private *peaks(activation: Float32Array, marks: readonly number[]): Generator<{ at: number; short: number }> {
    const { units, gaps } = this.task;
    const all = activation.length / (marks.length * this.positions);
    for (const [i, mark] of marks.entries()) {
      for (const unit of units) {
        let best = -1;
        for (let t = this.first + gaps[i]; t <= mark; t++) {
          const at = (i * this.positions + t) * all + unit;
          if (best < 0 || activation[at] > activation[best]) best = at;
        }
        yield { at: best, short: activation[best] - this.value };
      }
    }
  }

  /** The texts with words in their gaps, as a network reads them. */
  private sequences(words: readonly number[]): { input: Float32Array; marks: number[] } {
    const { texts, gaps } = this.task;
    const { positions } = this;
    const tokens = texts.tokens.map((own, i) => [...own.slice(0, gaps[i]), ...words, ...own.slice(gaps[i])]);
    const set: TextSet = { ...texts, tokens, language: { ...texts.language, context: positions } };
    const input = new Float32Array(tokens.length * positions * 2);
    const marks = tokens.map((_, i) => writeSequence(set, i, input, i * positions * 2));
    return { input, marks };
  }

  private lookedUp(input: Float32Array): Float32Array {
    const { width, table } = this;
    const vectors = new Float32Array((input.length / 2) * (width + 1));
    for (let i = 0; i < input.length / 2; i++) {
      vectors.set(table.subarray(input[2 * i] * width, (input[2 * i] + 1) * width), i * (width + 1));
      vectors[i * (width + 1) + width] = input[2 * i + 1];
    }
    return vectors;
  }
}
