import type { Random } from "../../core/random.ts";
import type { WordGradients } from "../../measure/words.ts";

/** How far apart the parameters are at first. */
const SPREAD = 0.1;

/** Mixtures of words, one for each place: `Σ_w softmax(α/τ)_w·e_w`, with the α as parameters. */
export class WordMixture {
  /** α, `[places × words]`; whoever changes them calls {@link cool}. */
  readonly parameters: Float32Array;
  /** The mixtures, `[places × width]`. */
  readonly vectors: Float32Array;
  private readonly words: readonly number[];
  private readonly places: number;
  private readonly table: Float32Array;
  private readonly width: number;
  private readonly shares: Float64Array;
  private temperature = 1;

  constructor(
    words: readonly number[],
    places: number,
    model: Pick<WordGradients, "width" | "vectorOf">,
    random: Random,
  ) {
    this.words = words;
    this.places = places;
    this.width = model.width;
    this.table = new Float32Array(words.length * model.width);
    for (const [i, word] of words.entries()) this.table.set(model.vectorOf(word), i * model.width);
    this.parameters = Float32Array.from({ length: places * words.length }, () => SPREAD * random.normal());
    this.shares = new Float64Array(this.parameters.length);
    this.vectors = new Float32Array(places * model.width);
    this.cool(1);
  }

  /** Mixes anew, by the parameters as they are and a temperature τ. */
  cool(temperature: number): void {
    const { words, places, width, table, shares, parameters, vectors } = this;
    this.temperature = temperature;
    vectors.fill(0);
    for (let place = 0; place < places; place++) {
      const from = place * words.length;
      const own = parameters.subarray(from, from + words.length);
      const most = own.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY);
      let sum = 0;
      for (let w = 0; w < own.length; w++) sum += shares[from + w] = Math.exp((own[w] - most) / temperature);
      for (let w = 0; w < own.length; w++) {
        shares[from + w] /= sum;
        for (let k = 0; k < width; k++) vectors[place * width + k] += shares[from + w] * table[w * width + k];
      }
    }
  }

  /** The gradient by the parameters from that by the mixtures: `p_w·(e_w − ē)·g/τ`. */
  gradient(byVectors: Float32Array): Float32Array {
    const { words, width, table, shares, vectors, temperature } = this;
    return this.parameters.map((_, i) => {
      const [place, w] = [Math.floor(i / words.length), i % words.length];
      let product = 0;
      for (let k = 0; k < width; k++) {
        product += (table[w * width + k] - vectors[place * width + k]) * byVectors[place * width + k];
      }
      return (shares[i] * product) / temperature;
    });
  }

  /** The word of the largest share, at each place. */
  likeliest(): number[] {
    const { words, places, shares } = this;
    return Array.from({ length: places }, (_, place) => {
      const own = shares.subarray(place * words.length, (place + 1) * words.length);
      return words[own.indexOf(Math.max(...own))];
    });
  }
}
