import { chooseLowering } from "../engine/lowering.ts";
import { Session } from "../engine/session.ts";
import { parameterFeeds } from "../graph/fold.ts";
import { convUnits, type Network } from "../graph/network.ts";
import { statisticsProgram } from "../graph/programs/statistics.ts";
import { meanOf, varianceOf } from "../graph/programs/train.ts";
import { cloneState, type StateDict, tensorOf } from "../tensor/state.ts";

/**
 * A copy of a model whose batch norms have the running statistics of the given images: mean and (biased) variance over
 * all batches, each unit seeing its inputs normalised by their batches' own statistics.
 *
 * @param batches normalised images `[batch, C, H, W]`; each may be overwritten when the next is taken
 */
export async function recalibrate(
  network: Network,
  state: StateDict,
  batches: Iterable<Float32Array>,
  options: { batch: number; threads: number },
): Promise<StateDict> {
  const session = await Session.open(statisticsProgram(await chooseLowering(network, options.batch), network), options);
  const feeds = parameterFeeds(state);
  const sums = new Map(convUnits(network).map(({ bn, out }) => [bn, new Float64Array(2 * out)]));
  let count = 0;
  try {
    for (const images of batches) {
      const found = await session.run(feeds.set("input", images));
      count++;
      for (const [bn, sum] of sums) {
        const [mean, variance] = [found.get(meanOf(bn))!, found.get(varianceOf(bn))!];
        mean.forEach((m, c) => {
          sum[2 * c] += m;
          sum[2 * c + 1] += variance[c] + m * m;
        });
      }
    }
  } finally {
    await session.release();
  }
  const copy = cloneState(state);
  for (const [bn, sum] of sums) {
    const mean = tensorOf(copy, `${bn}.running_mean`).data;
    const variance = tensorOf(copy, `${bn}.running_var`).data;
    for (let c = 0; c < mean.length; c++) {
      mean[c] = sum[2 * c] / count;
      variance[c] = Math.max(0, sum[2 * c + 1] / count - mean[c] ** 2);
    }
  }
  return copy;
}
