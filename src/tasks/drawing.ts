import type { Samples } from "../core/samples.ts";

/** A picture of a sample by its own pixels. */
export interface SamplePicture {
  png: Uint8Array;
  width: number;
  height: number;
}

/** A line by its points, in parts of the picture's width and height: `[x, y]` in [0, 1]. */
export type DrawnLine = readonly (readonly [x: number, y: number])[];

/** How people see samples, their truths and what models answer, where an answer is no name. */
export interface Drawing {
  /** Width of a picture as it is shown, by its height. */
  readonly aspect: number;
  show(samples: Samples, i: number): SamplePicture;
  truth(samples: Samples, i: number): DrawnLine[];
  /** The lines that a model answers. */
  answer(output: Float32Array, samples: Samples, i: number): DrawnLine[];
  /** In a few words, how good an answer is. */
  words(output: Float32Array, samples: Samples, i: number): string;
}
