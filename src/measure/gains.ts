import { toOhwi } from "../graph/fold.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { classifierOf, convUnits, OUTPUT } from "../graph/network.ts";
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
 * A model whose batch norms are `y = a·γ·x̂ + b·β` with factors a and b per neuron, 1 in the model itself. Factors and
 * gradients are flat, one number per neuron in the network's order.
 */
export interface GainGradients {
  /** `∂L/∂a = γ·Σ g·x̂`, `∂L/∂b = β·Σ g` (docs/methods.md §10.4). */
  at(batch: Fed, gain: Float32Array, shift: Float32Array): Promise<GainResult>;
}

/** A unit's place in the flat arrays and in the feeds. */
interface Unit {
  id: string;
  start: number;
  out: number;
  /** What a factor of 1 stands for. */
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
  private readonly size: number;

  constructor(runner: Pick<Runtime, "network" | "task" | "pool">, state: StateDict, statistics: NormStatistics) {
    this.runner = runner;
    this.statistics = statistics;
    const { network } = runner;
    this.frozen = statistics === "stored" ? preActivationFeeds(network, state) : trainFeeds(state);
    let start = 0;
    for (const { id, bn, out } of convUnits(network)) {
      const names =
        statistics === "stored"
          ? ([gainInput(id), shiftInput(id)] as const)
          : ([`${bn}.weight`, `${bn}.bias`] as const);
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
      for (let c = 0; c < unit.out; c++) {
        unit.gain[c] = gain[unit.start + c] * unit.gamma[c];
        unit.shift[c] = shift[unit.start + c] * unit.beta[c];
      }
    }
    this.feeds.set("input", inputs).set("targets", targets);
    const batch = targets.length / task.loss.size(network);
    const { objective } = task.loss;
    const make = (lowering: Lowering) => gainProgram(lowering, network, this.statistics, objective);
    const outputs = await pool.run(`gains ${this.statistics}`, network, batch, make, this.feeds, this.frozen);
    const result = { gain: new Float32Array(this.size), shift: new Float32Array(this.size) };
    for (const { id, start, out, gamma, beta } of this.units) {
      const [byGain, byShift] = [outputs.get(gainGradient(id))!, outputs.get(shiftGradient(id))!];
      for (let c = 0; c < out; c++) {
        result.gain[start + c] = gamma[c] * byGain[c];
        result.shift[start + c] = beta[c] * byShift[c];
      }
    }
    return { loss: outputs.get("loss")![0], outputs: outputs.get(OUTPUT)!, ...result };
  }
}

function trainFeeds(state: StateDict): Map<string, Float32Array> {
  return new Map([...state].map(([key, tensor]) => [key, tensor.shape.length === 4 ? toOhwi(tensor) : tensor.data]));
}
