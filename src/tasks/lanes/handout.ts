import { CHANNELS } from "../../pictures/picture.ts";
import { encodeNpy } from "../../tensor/npy.ts";
import type { Handout } from "../handout.ts";
import type { LaneSet } from "./lane.ts";

/** Frames as an array, labels as TuSimple writes them: rows and, for each lane, x at each row, −2 where it is not seen. */
export const handout: Handout = {
  loader: "lanes_in_torch.py",
  what: "reads frames and labels, decodes logits into lanes, scores and draws them",
  blind: [
    "`fit_images.npy`, `fit_images_lanes.json`, `threshold_…`: clean frames with their lanes, to measure on, and to choose thresholds on.",
    '`load_in_torch.py`: `load("model")` gives the model in PyTorch, `normalise(frames)` its input.',
    '`lanes_in_torch.py`: `frames("fit")` reads frames and lanes, `decode` makes lanes of logits, `accuracy` scores them.',
  ],
  files: ({ count, height, width, pixels, labels }: LaneSet) => [
    {
      suffix: ".npy",
      bytes: encodeNpy(pixels, [count, CHANNELS, height, width]),
      holds: `frames: uint8 [N, 3, ${height}, ${width}], RGB`,
    },
    {
      suffix: "_lanes.json",
      bytes: new TextEncoder().encode(
        `${JSON.stringify(labels.map(({ rows, lanes }) => ({ h_samples: rows, lanes })))}\n`,
      ),
      holds:
        "their lanes, as TuSimple's label files have them: `h_samples` and `lanes`, in pixels of a 1280×720 picture",
    },
  ],
};
