import { chooseLowering } from "../engine/lowering.ts";
import { type Arrays, Session } from "../engine/session.ts";
import { activationBytes } from "../graph/cost.ts";
import { type Network, OUTPUT } from "../graph/network.ts";
import { NEXT, WEIGHTS } from "../graph/objectives/continuation.ts";
import { atPositions, EMBEDDED_GRADIENT, type LanguageProgram, languageProgram } from "../graph/programs/language.ts";
import { gradientOf } from "../graph/programs/train.ts";
import { markOf, partsOf, predictOwnWords } from "../graph/sequences.ts";
import { cloneState, type StateDict, tensorOf } from "../tensor/state.ts";

export interface LanguageTrainerOptions {
  batch: number;
  threads: number;
  /** β₁, the decay of the first moment. */
  momentum: number;
  /** λ of AdamW, which matrices have, and neither the embedding nor norms and biases. */
  weightDecay: number;
  /** The embedding's own λ; absent: 0. */
  embeddingDecay?: number;
  /** What predicting the text counts beside the answer. */
  textWeight?: number;
  /** A token that stands for what is not told: where it follows, nothing is predicted. */
  unpredicted?: number;
}

/** Decay of the second moment: language models have 0.95 to 0.98. */
const BETA2 = 0.98;
const EPSILON = 1e-8;
/** Gradients of a larger norm, over all parameters, are scaled down to it. */
const MOST_NORM = 1;
const TEXT_WEIGHT = 0.5;
/** A batch is computed in parts of so many sequences, short ones together: what fills them up costs as much as text. */
const PART = 16;
const STEPS = "adam#steps";
const firstOf = (key: string) => `${key}#first`;
const secondOf = (key: string) => `${key}#second`;

/**
 * A language model in training with AdamW (Loshchilov & Hutter 2019). The loss is the cross-entropy of the answer, and ½ of that of every
 * next token of the text. The optimizer runs on the host, as `AdamTrainer`'s does.
 */
export class LanguageTrainer {
  private readonly network: Network;
  private readonly options: LanguageTrainerOptions;
  private readonly state: StateDict;
  private readonly first: Map<string, Float32Array>;
  private readonly second: Map<string, Float32Array>;
  private readonly gradients: Map<string, Float32Array>;
  private readonly programs = new Map<string, { session: Session; spec: LanguageProgram }>();
  private steps: number;

  /**
   * @param state where training starts; it is not changed
   * @param moments those of a run that is resumed
   */
  constructor(network: Network, state: StateDict, options: LanguageTrainerOptions, moments?: StateDict) {
    this.network = network;
    this.options = options;
    this.state = cloneState(state);
    const like = (name?: (key: string) => string) =>
      new Map(
        [...state].map(([key, { data }]) => [
          key,
          name && moments ? tensorOf(moments, name(key)).data.slice() : new Float32Array(data.length),
        ]),
      );
    this.first = like(firstOf);
    this.second = like(secondOf);
    this.gradients = like();
    this.steps = moments ? tensorOf(moments, STEPS).data[0] : 0;
  }

  /**
   * One step.
   *
   * @param inputs `[batch, T, 2]`: number and mark at each position
   * @param targets `[batch, vocabulary]`, one-hot: the token that answers, or the first of those
   * @returns mean loss and the answers' logits, valid until the next step; of an answer of several tokens those of the first
   */
  async step(
    inputs: Float32Array,
    targets: Float32Array,
    learningRate: number,
  ): Promise<{ loss: number; outputs: Float32Array }> {
    const { batch, textWeight = TEXT_WEIGHT, unpredicted } = this.options;
    const { classes: vocabulary } = this.network;
    const { height } = this.network.input;
    const marks = Array.from({ length: batch }, (_, i) => markOf(inputs, i, height));
    const following = (i: number, t: number) => inputs[2 * (i * height + t + 1)];
    let words = 0;
    for (const [i, mark] of marks.entries()) {
      for (let t = 0; t < mark; t++) if (following(i, t) !== unpredicted) words++;
    }
    const weights = { answer: 1 / batch, text: words === 0 ? 0 : textWeight / words };
    const outputs = new Float32Array(batch * vocabulary);
    for (const gradient of this.gradients.values()) gradient.fill(0);
    let loss = 0;
    for (const part of partsOf(marks, this.network, PART, 0)) {
      const { sequences, positions } = part;
      const { session, spec } = await this.programFor(sequences.length, positions);
      const feeds: Arrays = new Map([...this.state].map(([key, { data }]) => [key, data]));
      const input = new Float32Array(sequences.length * positions * 2);
      const [next, counts] = [0, 1].map(() => new Float32Array(sequences.length * positions));
      for (const [k, i] of sequences.entries()) {
        input.set(inputs.subarray(2 * i * height, 2 * (i * height + positions)), 2 * k * positions);
        const countOf = (token: number) => (token === unpredicted ? 0 : weights.text);
        predictOwnWords({ next, weights: counts }, input, { sequence: k, positions }, marks[i], countOf);
        const answer = targets.subarray(i * vocabulary, (i + 1) * vocabulary).indexOf(1);
        next[k * positions + marks[i]] = answer;
        counts[k * positions + marks[i]] = weights.answer;
      }
      const results = await session.run(feeds.set("input", input).set(NEXT, next).set(WEIGHTS, counts));
      loss += results.get("loss")![0];
      this.take(results, spec, input);
      const logits = results.get(OUTPUT)!;
      for (const [k, i] of sequences.entries()) {
        outputs.set(logits.subarray(k * vocabulary, (k + 1) * vocabulary), i * vocabulary);
      }
    }
    this.update(learningRate);
    return { loss, outputs };
  }

  /** A copy of the state as it stands. */
  snapshot(): StateDict {
    return cloneState(this.state);
  }

  /** A copy of the moments and the number of steps, with which a run can go on. */
  velocities(): StateDict {
    const copy: StateDict = new Map([[STEPS, { shape: [1], data: Float32Array.of(this.steps) }]]);
    for (const [key, { shape }] of this.state) {
      copy.set(firstOf(key), { shape, data: this.first.get(key)!.slice() });
      copy.set(secondOf(key), { shape, data: this.second.get(key)!.slice() });
    }
    return copy;
  }

  async release(): Promise<void> {
    for (const { session } of this.programs.values()) await session.release();
    this.programs.clear();
  }

  /** Adds a part's gradients; that at the embedded sequence goes to the rows that were looked up. */
  private take(results: Arrays, { parameters, table }: LanguageProgram, input: Float32Array): void {
    for (const key of parameters.keys()) {
      const [sum, part] = [this.gradients.get(key)!, results.get(gradientOf(key))];
      if (part) for (let i = 0; i < sum.length; i++) sum[i] += part[i];
    }
    const [rows, looked] = [this.gradients.get(table)!, results.get(EMBEDDED_GRADIENT)!];
    const width = (2 * looked.length) / input.length;
    for (let i = 0; i < input.length / 2; i++) {
      const [from, to] = [i * width, input[2 * i] * width];
      for (let k = 0; k < width; k++) rows[to + k] += looked[from + k];
    }
  }

  private update(learningRate: number): void {
    this.steps++;
    let squares = 0;
    for (const gradient of this.gradients.values()) for (const g of gradient) squares += g * g;
    const scale = Math.min(1, MOST_NORM / Math.sqrt(squares));
    const { momentum: beta1, weightDecay, embeddingDecay = 0 } = this.options;
    const rate = learningRate / (1 - beta1 ** this.steps);
    const correction = 1 / Math.sqrt(1 - BETA2 ** this.steps);
    const table = [...this.programs.values()][0].spec.table;
    for (const [key, { shape, data }] of this.state) {
      const [gradient, first, second] = [this.gradients, this.first, this.second].map((of) => of.get(key)!);
      const decay = key === table ? embeddingDecay : shape.length > 1 ? weightDecay : 0;
      const keep = 1 - learningRate * decay;
      for (let i = 0; i < data.length; i++) {
        const g = scale * gradient[i];
        const m = beta1 * first[i] + (1 - beta1) * g;
        const v = BETA2 * second[i] + (1 - BETA2) * g * g;
        first[i] = m;
        second[i] = v;
        data[i] = keep * data[i] - (rate * m) / (Math.sqrt(v) * correction + EPSILON);
      }
    }
  }

  private async programFor(sequences: number, positions: number): Promise<{ session: Session; spec: LanguageProgram }> {
    const name = `${sequences}x${positions}`;
    const known = this.programs.get(name);
    if (known) return known;
    const network = atPositions(this.network, positions);
    const spec = languageProgram(await chooseLowering(network, sequences), network);
    const { threads } = this.options;
    const session = await Session.open(spec.program, {
      threads,
      activationBytes: activationBytes(network, sequences),
    });
    const made = { session, spec };
    this.programs.set(name, made);
    return made;
  }
}
