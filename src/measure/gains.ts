import { parameterFeeds } from "../graph/fold.ts";
import { foldedBias, foldedWeight } from "../graph/folded.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { classifierOf, convUnits, OUTPUT, unitsOf } from "../graph/network.ts";
import { gainInput, shiftInput } from "../graph/preactivation.ts";
import { gainGradient, gainProgram, type NormStatistics, shiftGradient } from "../graph/programs/gains.ts";
import { type StateDict, tensorOf } from "../tensor/state.ts";
import type { Fed } from "./clean-batches.ts";
import type { Runtime } from "./runtime.ts";
import { preActivationFeeds } from "./statistics.ts";

/** Mean loss of a batch and its gradients by the factors, which belong to the caller. */
export interface GainResult {
  loss: number;
  /** `[batch, width]`, valid until the next call. */
  outputs: Float32Array;
  gain: Float32Array;
  shift: Float32Array;
}

/**
 * A model whose batch norms are `y = a·γ·x̂ + b·β` with factors a and b per neuron, 1 in the model itself. Of a hidden linear unit
 * without batch norm it is `a·(W·x) + b·β`, β its bias. Factors and gradients are flat, one number per neuron in the network's order.
 */
export interface GainGradients {
  /** `∂L/∂a = γ·Σ g·x̂` (of a hidden unit `Σ g·(W·x)`), `∂L/∂b = β·Σ g` (docs/methods.md §10.4). */
  at(batch: Fed, gain: Float32Array, shift: Float32Array): Promise<GainResult>;
}

/** A unit's place in the flat arrays and in the feeds. */
interface Unit {
  id: string;
  start: number;
  out: number;
  /** What a factor of 1 stands for: γ, or a row of weights for each neuron. */
  gamma: Float32Array;
  beta: Float32Array;
  /** The arrays fed: factor × (gamma, beta). */
  gain: Float32Array;
  shift: Float32Array;
}

/** The ONNX Runtime implementation of {@link GainGradients}. */
export class OrtGains implements GainGradients {
  private readonly runner: Pick<Runtime, "network" | "task" | "pool">;
  private readonly statistics: NormStatistics;
  private readonly feeds = new Map<string, Float32Array>();
  /** What no call changes: weights. */
  private readonly frozen: Map<string, Float32Array>;
  private readonly units: Unit[] = [];
  /** Units without batch norm. */
  private readonly hidden: readonly string[];
  private readonly size: number;

  constructor(runner: Pick<Runtime, "network" | "task" | "pool">, state: StateDict, statistics: NormStatistics) {
    this.runner = runner;
    this.statistics = statistics;
    const { network } = runner;
    this.frozen = statistics === "stored" ? preActivationFeeds(network, state) : parameterFeeds(state);
    let start = 0;
    const norms = new Map(convUnits(network).map(({ id, bn }) => [id, bn]));
    const units = unitsOf(network);
    this.hidden = units.flatMap(({ id }) => (norms.has(id) ? [] : [id]));
    for (const { id, width: out } of units) {
      const names = namesOf(id, norms.get(id), statistics);
      const [gamma, beta] = names.map((name) => this.frozen.get(name)!);
      for (const name of names) this.frozen.delete(name);
      const [gain, shift] = [gamma.slice(), beta.slice()];
      this.feeds.set(names[0], gain).set(names[1], shift);
      this.units.push({ id, start, out, gamma, beta, gain, shift });
      start += out;
    }
    this.size = start;
    const { id } = classifierOf(network);
    for (const part of ["weight", "bias"]) this.frozen.set(`${id}.${part}`, tensorOf(state, `${id}.${part}`).data);
  }

  async at({ inputs, targets }: Fed, gain: Float32Array, shift: Float32Array): Promise<GainResult> {
    const { network, task, pool } = this.runner;
    for (const unit of this.units) {
      const row = unit.gamma.length / unit.out;
      for (let c = 0; c < unit.out; c++) {
        const factor = gain[unit.start + c];
        for (let i = c * row; i < (c + 1) * row; i++) unit.gain[i] = factor * unit.gamma[i];
        unit.shift[c] = shift[unit.start + c] * unit.beta[c];
      }
    }
    this.feeds.set("input", inputs).set("targets", targets);
    const batch = targets.length / task.loss.size(network);
    const { objective } = task.loss;
    const make = (lowering: Lowering) => gainProgram(lowering, network, this.statistics, objective, this.hidden);
    const outputs = await pool.run(`gains ${this.statistics}`, network, batch, make, this.feeds, this.frozen);
    const result = { gain: new Float32Array(this.size), shift: new Float32Array(this.size) };
    for (const { id, start, out, gamma, beta } of this.units) {
      const [byGain, byShift] = [outputs.get(gainGradient(id))!, outputs.get(shiftGradient(id))!];
      const row = gamma.length / out;
      for (let c = 0; c < out; c++) {
        let sum = 0;
        for (let i = c * row; i < (c + 1) * row; i++) sum += gamma[i] * byGain[i];
        result.gain[start + c] = sum;
        result.shift[start + c] = beta[c] * byShift[c];
      }
    }
    return { loss: outputs.get("loss")![0], outputs: outputs.get(OUTPUT)!, ...result };
  }
}

/** The graph inputs that hold what a unit's factors multiply. */
function namesOf(
  id: string,
  bn: string | undefined,
  statistics: NormStatistics,
): readonly [gain: string, shift: string] {
  if (statistics === "stored") {
    return bn === undefined ? [foldedWeight(id), foldedBias(id)] : [gainInput(id), shiftInput(id)];
  }
  const holder = bn ?? id;
  return [`${holder}.weight`, `${holder}.bias`];
}
