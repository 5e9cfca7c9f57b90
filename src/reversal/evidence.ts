import type { LayerScores } from "../core/neurons.ts";
import { mean, median } from "../core/statistics.ts";
import type { ReversedPatch } from "./targeted.ts";

/** Makes MAD estimate the standard deviation of a normal distribution. */
const MAD_TO_STD = 1.4826;

/** The least that MAD may be beside the standard deviation: where most of a layer is all but equal. */
const FLOOR = 0.3;

/** Neurons that carry a backdoor are few: so many of the most conspicuous are looked at. */
const FEW = 5;

/** `(u − median)/max(1.4826·MAD, 0.3·std)` inside each layer, with the biased standard deviation. */
export function flooredZ(raw: LayerScores): LayerScores {
  return Object.fromEntries(
    Object.entries(raw).map(([layer, values]) => {
      const [centre, middle] = [median(values), mean(values)];
      const deviation = Math.sqrt(mean(values.map((u) => (u - middle) ** 2)));
      const mad = MAD_TO_STD * median(values.map((u) => Math.abs(u - centre)));
      const spread = Math.max(mad, FLOOR * deviation) + 1e-12;
      return [layer, values.map((u) => (u - centre) / spread)];
    }),
  );
}

/**
 * How much speaks for a patch being a backdoor's (docs/methods.md §10.13, step 4): that it is small, that it works, and that few
 * neurons carry it: `success/‖M‖₁ · mean of the five largest z(A)`.
 *
 * @param attribution A of every neuron under the patch
 */
export function evidenceFor(
  { norm, success }: Pick<ReversedPatch, "norm" | "success">,
  attribution: LayerScores,
): number {
  const z = Object.values(flooredZ(attribution)).flat();
  const largest = z.sort((a, b) => b - a).slice(0, FEW);
  return (success / norm) * Math.max(0, mean(largest));
}
