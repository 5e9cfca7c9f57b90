import type { LayerScores } from "../../core/neurons.ts";
import { BN_EPSILON } from "../../graph/batchnorm.ts";
import { channelFold } from "../../graph/fold.ts";
import { convUnits } from "../../graph/network.ts";
import { firstOf } from "../../images/batch.ts";
import { storedStatistics } from "../../measure/statistics.ts";
import type { ReversalSubject } from "../../reversal/subject.ts";
import { symmetricKl } from "../criteria/bnp.ts";
import { safeLog } from "../filters.ts";
import type { FeatureTable } from "./feature-table.ts";
import type { FoldedNorms } from "./filter-features.ts";
import { momentsOf } from "./moments.ts";

/** Clean images that are looked at. */
const IMAGES = 300;
const CONTRIBUTION_IMAGES = 96;

/**
 * How every neuron behaves on clean images, and whether its batch norm expects it (docs/methods.md §10.14).
 *
 * @returns the standard deviation of every neuron's spatial mean over images
 */
export async function addActivationFeatures(
  table: FeatureTable,
  { network, state, runner, clean }: ReversalSubject,
  { weight }: FoldedNorms,
): Promise<LayerScores> {
  const images = firstOf(clean.fit, IMAGES);
  const stored = storedStatistics(network, state);
  const empirical = await runner.preActivations(state, images);
  const { norms } = await runner.profile(state, images);
  const contribution = await runner.contribution(state, firstOf(clean.fit, CONTRIBUTION_IMAGES));
  const units = convUnits(network);
  const per = (of: (id: string, c: number) => number): LayerScores =>
    Object.fromEntries(units.map(({ id, out }) => [id, Array.from({ length: out }, (_, c) => of(id, c))]));
  const folds = new Map(
    units.map((unit) => [unit.id, Array.from({ length: unit.out }, (_, c) => channelFold(state, unit, c))]),
  );
  // Means and deviations behind the batch norm. A convolution's bias is in z, and in the fold's shift.
  const shiftOf = (id: string, c: number) => {
    const { mean } = empirical.get(id)!;
    const unit = units.find((one) => one.id === id)!;
    const { factor, shift } = folds.get(id)![c];
    const bias = unit.bias ? state.get(`${id}.bias`)!.data[c] : 0;
    return factor * (mean[c] - bias) + shift;
  };
  const deviationOf = (id: string, c: number) =>
    Math.abs(folds.get(id)![c].factor) * Math.sqrt(empirical.get(id)!.variance[c]) + 1e-6;
  const expected = (id: string, c: number) => Math.sqrt(stored.get(id)!.variance[c] + BN_EPSILON);
  table.addZ("mean", per(shiftOf));
  table.addZ(
    "deviation",
    per((id, c) => safeLog(deviationOf(id, c))),
  );
  table.addZ(
    "mean in deviations",
    per((id, c) => shiftOf(id, c) / deviationOf(id, c)),
  );
  table.addZ(
    "used gain",
    per((id, c) => safeLog(deviationOf(id, c)) - weight[id][c]),
  );
  table.addZ(
    "shift from stored",
    per((id, c) => (empirical.get(id)!.mean[c] - stored.get(id)!.mean[c]) / expected(id, c)),
  );
  table.addZ(
    "spread by stored",
    per((id, c) => 2 * Math.log(Math.sqrt(empirical.get(id)!.variance[c] + BN_EPSILON) / expected(id, c))),
  );
  table.addZ(
    "divergence from stored",
    per((id, c) => {
      const [a, b] = [stored.get(id)!, empirical.get(id)!];
      return safeLog(symmetricKl(a.mean[c], a.variance[c], b.mean[c], b.variance[c]));
    }),
  );
  table.addZ(
    "contribution",
    per((id, c) => safeLog(contribution.get(id)![c])),
  );
  const moments = new Map(units.map(({ id, out }) => [id, momentsOf(norms.get(id)!, out, images.count)]));
  table.addZ(
    "awake",
    per((id, c) => moments.get(id)!.awake[c]),
  );
  table.addZ(
    "skew",
    per((id, c) => moments.get(id)!.skew[c]),
  );
  table.addZ(
    "kurtosis",
    per((id, c) => safeLog(moments.get(id)!.kurtosis[c])),
  );
  return per((id, c) => moments.get(id)!.deviation[c]);
}
