/** Images of a run: few enough that the page answers between two runs, so of large ones fewer. */
const MOST_IMAGES = 32;
const FEWEST_IMAGES = 8;
const PIXELS = MOST_IMAGES * 32 * 32;

/** How many images of a size are run together. */
export function batchOf({ height, width }: { height: number; width: number }): number {
  return Math.min(MOST_IMAGES, Math.max(FEWEST_IMAGES, Math.floor(PIXELS / (height * width))));
}
