import { InputError } from "../../../core/errors.ts";
import type { Prompt } from "../../foreign-models.ts";
import { assertApart, joined, partsOfTemplate } from "../question.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { Head } from "./head.ts";
import { type Batch, longestOf } from "./sequences.ts";

/** A text that stands for all where the answers' tokens are looked up. */
const ANY = "a";

/** A prompt that a model's tokenizer has read: texts are put into it, and answers are tokens. */
export class Question {
  /** The first token of each answer, by which the model answers. */
  readonly tokens: readonly number[];
  private readonly checkpoint: Checkpoint;
  private readonly parts: readonly [before: string, behind: string];

  /** @throws InputError where the template has no gap, or the answers cannot be told apart by their first tokens */
  constructor(checkpoint: Checkpoint, { template, answers }: Prompt) {
    const parts = partsOfTemplate(template, "--template");
    if (answers.length < 2) throw new InputError("--answers: give an answer for each label, at least two");
    this.checkpoint = checkpoint;
    this.parts = parts;
    const asked = checkpoint.tokenizer.encode(this.filled(ANY));
    this.tokens = answers.map((answer) => this.firstToken(asked, answer));
    assertApart(this.tokens, answers, "--answers");
  }

  /**
   * A text's tokens within the template. Of a text that is too long words at its end are left out, and of a word that is too long alone its
   * end, never the template's.
   */
  encode(text: string): number[] {
    const longest = longestOf(this.checkpoint);
    const tokensOf = (kept: string) => this.checkpoint.tokenizer.encode(this.filled(kept));
    const fits = (kept: string) => tokensOf(kept).length <= longest;
    if (fits(text)) return tokensOf(text);
    for (const [parts, between] of [
      [text.split(" "), " "],
      [[...text], ""],
    ] as const) {
      const first = (count: number) => parts.slice(0, count).join(between);
      const kept = mostThatFit(parts.length, (count) => fits(first(count)));
      if (kept > 0) return tokensOf(first(kept));
    }
    throw new InputError(
      `--template: leaves no room for a text in the ${longest} tokens that are read at once; shorten it`,
    );
  }

  private filled(text: string): string {
    return this.parts.join(text);
  }

  private firstToken(asked: readonly number[], answer: string): number {
    const all = this.checkpoint.tokenizer.encode(this.filled(ANY) + answer);
    if (all.length > asked.length && asked.every((token, i) => token === all[i])) return all[asked.length];
    throw joined(answer, "--answers");
  }
}

/** The largest count below a whole that fits, where fewer fit as well; 0 where none does. */
function mostThatFit(whole: number, fits: (count: number) => boolean): number {
  let [fitting, beyond] = [0, whole];
  while (beyond - fitting > 1) {
    const middle = Math.floor((fitting + beyond) / 2);
    if (fits(middle)) fitting = middle;
    else beyond = middle;
  }
  return fitting;
}

/** Counts the texts that a model answers with their label's word. */
export class Answers {
  count = 0;
  right = 0;
  private readonly head: Head;
  /** Vectors of the answers' tokens, `[answers, width]`. */
  private readonly vectors: readonly Float32Array[];
  private readonly labels: ArrayLike<number>;

  /** @param labels of all texts, by their places */
  constructor(checkpoint: Checkpoint, { tokens }: Question, labels: ArrayLike<number>) {
    const { width } = checkpoint.config.shape;
    this.head = new Head(checkpoint);
    this.labels = labels;
    this.vectors = tokens.map((token) => {
      const vector = new Float32Array(width);
      checkpoint.read(this.head.table, vector, token * width);
      return vector;
    });
  }

  /** @param residual what flows out of the last layer, `[TEXTS·T, width]` */
  add({ positions, texts, places }: Batch, residual: Float32Array): void {
    const { length: width } = this.vectors[0];
    const row = new Float32Array(width);
    for (const [i, { length }] of texts.entries()) {
      const at = (i * positions + length - 1) * width;
      this.head.normalise(residual.subarray(at, at + width), row);
      const logits = this.vectors.map((vector) => vector.reduce((sum, value, k) => sum + value * row[k], 0));
      this.count++;
      if (logits.indexOf(Math.max(...logits)) === this.labels[places[i]]) this.right++;
    }
  }
}
