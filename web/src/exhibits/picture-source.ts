import type { Images } from "../../../src/images/image-set.ts";
import type { Words } from "./exhibit.ts";

/** Pictures that are offered, and how one of the user's becomes one of them. */
export interface PictureSource {
  readonly words: Words;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** How pixels are laid out: as they are, or stretched to a road's frame. */
  readonly shape: "square" | "wide";
  /** What a sample is, in a few words. */
  title(i: number): string;
  pixels(i: number): Uint8Array;
  /** A picture of the user's at the size of the others. @throws Error with one line for people */
  read(file: File): Promise<Uint8Array>;
  /** The same as a set. @param ask what the clean twin answers, null where nobody waits for it any more */
  own(pixels: Uint8Array, ask: (images: Images) => Promise<Float32Array | null>): Promise<Images>;
}
