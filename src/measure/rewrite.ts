import type { NeuronSet } from "../core/neurons.ts";
import { BN_EPSILON } from "../graph/batchnorm.ts";
import { channelFold } from "../graph/fold.ts";
import { convUnits, type Network } from "../graph/network.ts";
import { cloneState, type StateDict, tensorOf } from "../tensor/state.ts";
import type { UnitStatistics } from "./statistics.ts";

/**
 * The same function with other batch-norm statistics (METHODS §3.2, `discreet`): a copy in which μ and σ² of every
 * channel are the given ones and γ and β absorb the difference, `γ' = f·√(σ'² + ε)`, `β' = β + (μ' − μ)·f` with the
 * gain f = γ/√(σ² + ε). Filters, conv biases and the classifier keep their bits. β' answers to the gain and mean as
 * they are after rounding to float32. A variance of 0 needs no care: ε keeps the gain finite.
 */
export function rewriteBatchNorm(
  network: Network,
  state: StateDict,
  statistics: ReadonlyMap<string, UnitStatistics>,
): StateDict {
  const rewritten = cloneState(state);
  for (const unit of convUnits(network)) {
    const { mean, variance } = statistics.get(unit.id)!;
    const of = (name: string) => tensorOf(rewritten, `${unit.bn}.${name}`).data;
    const [gamma, beta, runningMean, runningVar] = [of("weight"), of("bias"), of("running_mean"), of("running_var")];
    const convBias = unit.bias ? tensorOf(state, `${unit.id}.bias`).data : undefined;
    for (let c = 0; c < unit.out; c++) {
      const { factor, shift } = channelFold(state, unit, c);
      runningMean[c] = mean[c];
      runningVar[c] = variance[c];
      const deviation = Math.sqrt(runningVar[c] + BN_EPSILON);
      gamma[c] = factor * deviation;
      beta[c] = shift - ((convBias?.[c] ?? 0) - runningMean[c]) * (gamma[c] / deviation);
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
 */
export function functionDistance(network: Network, a: StateDict, b: StateDict, except: NeuronSet = {}): number {
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
      const relative = (difference: number, size: number) => (difference === 0 ? 0 : Math.abs(difference) / size);
      most = Math.max(
        most,
        relative(second.factor - first.factor, gain),
        relative(second.shift - first.shift, Math.max(...terms)),
      );
    }
  }
  return most;
}
