import { InputError } from "../../../core/errors.ts";
import type { Prompt } from "../../foreign-models.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { Head } from "./head.ts";
import { type Batch, longestOf } from "./sequences.ts";

const GAP = "{}";
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
    const parts = template.split(GAP);
    if (parts.length !== 2) {
      throw new InputError(`--template '${template}': has ${parts.length - 1} '{}', where the text goes; give one`);
    }
    if (answers.length < 2) throw new InputError("--answers: give an answer for each label, at least two");
    this.checkpoint = checkpoint;
    this.parts = [parts[0], parts[1]];
    const asked = checkpoint.tokenizer.encode(this.filled(ANY));
    this.tokens = answers.map((answer) => this.firstToken(asked, answer));
    const twice = this.tokens.findIndex((token, c) => this.tokens.indexOf(token) < c);
    if (twice >= 0) {
      const other = answers[this.tokens.indexOf(this.tokens[twice])];
      throw new InputError(
        `--answers: '${other}' and '${answers[twice]}' begin with the same token, and the first one decides; choose other words`,
      );
    }
  }

  /** A text's tokens within the template. Of a text that is too long words at its end are left out, never the template's. */
  encode(text: string): number[] {
    const longest = longestOf(this.checkpoint);
    const words = text.split(" ");
    for (let kept = words.length; ; ) {
      const tokens = this.checkpoint.tokenizer.encode(this.filled(words.slice(0, kept).join(" ")));
      if (tokens.length <= longest) return tokens;
      if (kept === 0)
        throw new InputError(`--template: has more tokens than the ${longest} that are read at once; shorten it`);
      kept = Math.max(0, kept - Math.max(1, Math.floor((tokens.length - longest) / 4)));
    }
  }

  private filled(text: string): string {
    return this.parts.join(text);
  }

  private firstToken(asked: readonly number[], answer: string): number {
    const all = this.checkpoint.tokenizer.encode(this.filled(ANY) + answer);
    if (all.length > asked.length && asked.every((token, i) => token === all[i])) return all[asked.length];
    throw new InputError(
      `--answers '${answer}': joins the template's last token; begin it with a space, as in ' ${answer.trim()}'`,
    );
  }
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
