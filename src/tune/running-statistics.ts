import type { Arrays } from "../engine/session.ts";
import { meanOf, type TrainProgram, varianceOf } from "../graph/programs/train.ts";
import { type StateDict, tensorOf } from "../tensor/state.ts";

/** PyTorch's batch-norm momentum: `running ← 0.9·running + 0.1·batch`. */
const BN_MOMENTUM = 0.1;

/** Moves a state's running statistics towards those of a step's batch; variances unbiased, as in PyTorch. */
export function moveRunningStatistics(state: StateDict, statistics: TrainProgram["statistics"], results: Arrays): void {
  for (const { bn, channels, count } of statistics) {
    const mean = results.get(meanOf(bn))!;
    const variance = results.get(varianceOf(bn))!;
    const runningMean = tensorOf(state, `${bn}.running_mean`).data;
    const runningVar = tensorOf(state, `${bn}.running_var`).data;
    const unbiased = count / (count - 1);
    for (let c = 0; c < channels; c++) {
      runningMean[c] += BN_MOMENTUM * (mean[c] - runningMean[c]);
      runningVar[c] += BN_MOMENTUM * (variance[c] * unbiased - runningVar[c]);
    }
  }
}
