import type { Random } from "../../core/random.ts";
import type { Augmentation } from "../../images/batch.ts";
import { CHANNELS } from "../../pictures/picture.ts";
import { ABSENT, FRAME, isSeen, type Lane, type LaneLabels, type LaneSet, seenLanes } from "./lane.ts";

/**
 * How training changes a frame: mirrored or not, then moved sideways by up to `cropPadding` pixels of the network's input. Lanes go along.
 *
 * @returns the labels of what is written to `out`, uint8 `[3, height, width]`
 */
export function augmentFrame(
  set: LaneSet,
  index: number,
  { flip, cropPadding }: Augmentation,
  random: Random,
  out: Uint8Array,
): LaneLabels {
  const isMirrored = flip && random.uniform() < 0.5;
  const shift = cropPadding > 0 ? random.below(2 * cropPadding + 1) - cropPadding : 0;
  movePixels(set, index, isMirrored, shift, out);
  return moveLabels(set.labels[index], isMirrored, (shift * FRAME.width) / set.width);
}

/** Columns that come in from beyond the picture repeat its edge. */
function movePixels(set: LaneSet, index: number, isMirrored: boolean, shift: number, out: Uint8Array): void {
  const { height, width, pixels } = set;
  const start = index * CHANNELS * height * width;
  for (let row = 0; row < CHANNELS * height * width; row += width) {
    for (let x = 0; x < width; x++) {
      const from = Math.min(width - 1, Math.max(0, x - shift));
      out[row + x] = pixels[start + row + (isMirrored ? width - 1 - from : from)];
    }
  }
}

/** @param shift to the right, in pixels of a 1280×720 picture */
function moveLabels({ rows, lanes }: LaneLabels, isMirrored: boolean, shift: number): LaneLabels {
  if (!isMirrored && shift === 0) return { rows, lanes };
  const moved = (lane: Lane): Lane =>
    lane.map((x) => {
      if (!isSeen(x)) return ABSENT;
      const to = (isMirrored ? FRAME.width - 1 - x : x) + shift;
      return to >= 0 && to < FRAME.width ? to : ABSENT;
    });
  return { rows, lanes: seenLanes(lanes.map(moved)) };
}
