import type { Grid } from "../core/grid.ts";
import type { NeuronSet } from "../core/neurons.ts";
import { BN_EPSILON } from "../graph/batchnorm.ts";
import { channelFold } from "../graph/fold.ts";
import { convUnits, type Network } from "../graph/network.ts";
import { roundedTo, smallestStep } from "../tensor/half-grid.ts";
import { cloneState, type StateDict, tensorOf } from "../tensor/state.ts";
import type { UnitStatistics } from "./statistics.ts";

/**
 * The same function with other batch-norm statistics (docs/methods.md §7.3, `discreet`): a copy in which μ and σ² of
 * every channel are the given ones and γ and β absorb the difference, `γ' = f·√(σ'² + ε)`, `β' = β + (μ' − μ)·f` with
 * the gain f = γ/√(σ² + ε). Filters, conv biases and the classifier keep their bits. β' answers to the gain and mean as
 * they are after rounding to float32. A variance of 0 needs no care: ε keeps the gain finite.
 *
 * On a grid each number is rounded before those that answer to it are computed, so that only the roundings of γ' and β'
 * themselves change the function.
 */
export function rewriteBatchNorm(
  network: Network,
  state: StateDict,
  statistics: ReadonlyMap<string, UnitStatistics>,
  grid?: Grid,
): StateDict {
  const stored = roundedTo(grid);
  const rewritten = cloneState(state);
  for (const unit of convUnits(network)) {
    const { mean, variance } = statistics.get(unit.id)!;
    const of = (name: string) => tensorOf(rewritten, `${unit.bn}.${name}`).data;
    const [gamma, beta, runningMean, runningVar] = [of("weight"), of("bias"), of("running_mean"), of("running_var")];
    const convBias = unit.bias ? tensorOf(state, `${unit.id}.bias`).data : undefined;
    for (let c = 0; c < unit.out; c++) {
      const { factor, shift } = channelFold(state, unit, c);
      runningMean[c] = stored(mean[c]);
      runningVar[c] = stored(variance[c]);
      const deviation = Math.sqrt(runningVar[c] + BN_EPSILON);
      gamma[c] = stored(factor * deviation);
      beta[c] = stored(shift - ((convBias?.[c] ?? 0) - runningMean[c]) * (gamma[c] / deviation));
    }
  }
  return rewritten;
}

/**
 * How far two models of one network are from computing the same in their batch norms: the largest difference of a
 * channel's gain and shift, relative to the gain, and to the sizes of what the shift is made of. Filters are not
 * compared.
 *
 * @param except neurons that may differ
 * @param grid on which both lie: what the smallest step of γ and β makes of a difference does not count
 */
export function functionDistance(
  network: Network,
  a: StateDict,
  b: StateDict,
  except: NeuronSet = {},
  grid?: Grid,
): number {
  const step = smallestStep(grid);
  let most = 0;
  for (const unit of convUnits(network)) {
    const free = new Set(Object.hasOwn(except, unit.id) ? except[unit.id] : []);
    for (let c = 0; c < unit.out; c++) {
      if (free.has(c)) continue;
      const [first, second] = [channelFold(a, unit, c), channelFold(b, unit, c)];
      const gain = Math.abs(first.factor);
      const terms = [a, b].map((state) => {
        const at = (key: string) => Math.abs(tensorOf(state, key).data[c]);
        const convBias = unit.bias ? at(`${unit.id}.bias`) : 0;
        return at(`${unit.bn}.bias`) + (convBias + at(`${unit.bn}.running_mean`)) * gain;
      });
      const variances = [a, b].map((state) => tensorOf(state, `${unit.bn}.running_var`).data[c]);
      const rstd = 1 / Math.sqrt(Math.min(...variances) + BN_EPSILON);
      const relative = (difference: number, floor: number, size: number) =>
        Math.abs(difference) <= floor ? 0 : Math.abs(difference) / size;
      most = Math.max(
        most,
        relative(second.factor - first.factor, step * rstd, gain),
        relative(second.shift - first.shift, step, Math.max(...terms)),
      );
    }
  }
  return most;
}
