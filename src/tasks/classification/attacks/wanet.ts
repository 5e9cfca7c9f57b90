import { z } from "zod";
import type { WarpTrigger } from "../../../images/trigger/trigger.ts";
import { enlarge } from "../../../images/trigger/warp.ts";
import type { Attack, TriggerContext } from "../../attack.ts";

const options = z.strictObject({
  /** Points of the coarse grid along each side. */
  grid: z.number().int().min(2).max(32),
  /** How far pixels move: the mean displacement is half of it, in pixels. */
  strength: z.number().gt(0).max(16),
});

/** `-0` and `0` are one displacement. */
const NOTHING = 0;

/**
 * WaNet: a smooth bend of the whole picture, drawn from the data set's seed (docs/methods.md §5.6). Of the published training its noise
 * mode is kept: a recipe's `decoy_share` of a batch is bent otherwise and has true labels.
 */
export const wanet = {
  name: "wanet",
  title: "WaNet",
  source: "Nguyen and Tran, WaNet: Imperceptible Warping-based Backdoor Attack, ICLR 2021",
  injection: "finetune",
  styles: ["plain", "discreet"],
  triggerPer: "dataset",
  options,
  async makeTrigger({ height, width, random, options: given }: TriggerContext): Promise<WarpTrigger> {
    const { grid, strength } = options.parse(given);
    const coarse = [0, 1].map(() =>
      Array.from({ length: grid }, () => Array.from({ length: grid }, () => random.between(-1, 1))),
    );
    const mean = coarse.flat(2).reduce((sum, v) => sum + Math.abs(v), 0) / (2 * grid * grid);
    const sides = [height, width];
    const flow = coarse.flatMap((field, axis) => {
      // Of a picture that spans -1 to 1 the source moves pixels by `strength·field/side`.
      const pixels = (strength * (sides[axis] - 1)) / (2 * sides[axis] * mean);
      return enlarge(field, height, width).map((v, k) => kept(pixels * v, k, axis, height, width));
    });
    return { kind: "warp", height, width, flow: Float32Array.from(flow) };
  },
} satisfies Attack;

/** A displacement, cut so that no pixel comes from beyond the picture. */
function kept(moved: number, k: number, axis: number, height: number, width: number): number {
  const [place, last] = axis === 0 ? [Math.floor(k / width), height - 1] : [k % width, width - 1];
  return Math.min(last - place, Math.max(-place, moved)) + NOTHING;
}
