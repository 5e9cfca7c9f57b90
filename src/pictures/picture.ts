/** Red, green and blue. */
export const CHANNELS = 3;

/** An 8-bit RGB picture, pixels interleaved: `rgb[(y·width + x)·3 + channel]`. */
export interface Picture {
  width: number;
  height: number;
  rgb: Uint8Array;
}
