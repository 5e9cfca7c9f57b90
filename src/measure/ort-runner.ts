import type { Samples } from "../core/samples.ts";
import { foldState } from "../graph/fold.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { type Network, neuronLayers, OUTPUT, outputsOf, unitsOf } from "../graph/network.ts";
import { contributionProgram, dotOf } from "../graph/programs/contribution.ts";
import type { NormStatistics } from "../graph/programs/gains.ts";
import { inferProgram, meanAbsTap, meanTap, tapProgram } from "../graph/programs/infer.ts";
import type { Normalization } from "../images/image-set.ts";
import type { Task } from "../tasks/task.ts";
import type { StateDict } from "../tensor/state.ts";
import { type AgreementGradients, OrtAgreement } from "./agreement.ts";
import { batchSize } from "./batch-size.ts";
import { slices } from "./batches.ts";
import { type BlendGradients, OrtBlend } from "./blend.ts";
import { FeedForwardGains } from "./feed-forward-gains.ts";
import { type GainGradients, OrtGains } from "./gains.ts";
import type { ChannelRewrites, Rewrites } from "./mutants/rewrite.ts";
import { ScaledUnits, type UnitScaling } from "./mutants/scaled-units.ts";
import { SuffixRewrites } from "./mutants/suffix-rewrites.ts";
import { ProgramPool } from "./pool.ts";
import { eachPosition, type LayerAtPositions } from "./positions.ts";
import { type Profile, profileOf } from "./profile.ts";
import { type LayerResponse, responseTerms } from "./response.ts";
import type { ModelRunner, TapKind, Taps } from "./runner.ts";
import type { Runtime } from "./runtime.ts";
import { outputsOfSequences } from "./sequence-outputs.ts";
import { empiricalStatistics, type UnitStatistics } from "./statistics.ts";
import { qualityOf } from "./verdicts.ts";
import { OrtWords, type WordGradients } from "./words.ts";

/** Samples per run; fewer where there are fewer, or most of the work would be padding. */
const batchFor = (samples: Samples) => Math.min(128, samples.count);

/** The ONNX Runtime implementation of {@link ModelRunner}. */
export class OrtRunner implements ModelRunner, Runtime {
  readonly network: Network;
  readonly task: Task;
  readonly normalization: Normalization;
  readonly pool: ProgramPool;

  constructor(task: Task, network: Network, normalization: Normalization, pool: ProgramPool) {
    this.task = task;
    this.network = network;
    this.normalization = normalization;
    this.pool = pool;
  }

  async outputs(state: StateDict, samples: Samples): Promise<Float32Array> {
    const { network } = this;
    if (network.input.tokens) return outputsOfSequences(this, state, samples);
    const batch = batchSize(this, 128, samples.count);
    const width = outputsOf(network);
    const result = new Float32Array(samples.count * width);
    const folded = foldState(network, state);
    const [feeds, steady] = [new Map(folded), new Set(folded.keys())];
    const make = (lowering: Lowering) => inferProgram(lowering, network);
    for (const slice of slices(this, samples, batch)) {
      feeds.set("input", slice.inputs);
      const results = await this.pool.run("infer", network, batch, make, feeds, undefined, steady);
      result.set(results.get(OUTPUT)!.subarray(0, slice.count * width), slice.start * width);
    }
    return result;
  }

  async quality(state: StateDict, samples: Samples): Promise<number> {
    return qualityOf(this.task, await this.outputs(state, samples), samples);
  }

  async taps(state: StateDict, samples: Samples, kind: TapKind): Promise<Taps> {
    const { network } = this;
    const batch = batchFor(samples);
    const units = unitsOf(network);
    const taps: Taps = new Map(units.map(({ id, width }) => [id, new Float32Array(samples.count * width)]));
    const feeds = new Map(foldState(network, state));
    for (const slice of slices(this, samples, batch)) {
      feeds.set("input", slice.inputs);
      const outputs = await this.pool.run("taps", network, batch, (l) => tapProgram(l, network), feeds);
      for (const { id, width, relu } of units) {
        const key = kind === "mean-abs" && !relu ? meanAbsTap(id) : meanTap(id);
        taps.get(id)!.set(outputs.get(key)!.subarray(0, slice.count * width), slice.start * width);
      }
    }
    return taps;
  }

  async contribution(state: StateDict, samples: Samples): Promise<Map<string, Float32Array>> {
    const { network } = this;
    const batch = batchFor(samples);
    const totals = new Map(neuronLayers(network).map(({ name, width }) => [name, new Float64Array(width)]));
    const feeds = new Map(foldState(network, state));
    const { loss } = this.task;
    const size = loss.size(network);
    const targets = new Float32Array(batch * size);
    feeds.set("targets", targets);
    for (const slice of slices(this, samples, batch)) {
      targets.fill(0);
      for (let i = 0; i < slice.count; i++) {
        loss.write(samples, slice.start + i, targets.subarray(i * size, (i + 1) * size));
      }
      feeds.set("input", slice.inputs);
      const outputs = await this.pool.run(
        "contribution",
        network,
        batch,
        (l) => contributionProgram(l, network, loss.objective),
        feeds,
      );
      for (const [id, sums] of totals) {
        const dots = outputs.get(dotOf(id))!;
        for (let i = 0; i < slice.count; i++) {
          for (let c = 0; c < sums.length; c++) sums[c] += Math.abs(dots[i * sums.length + c]);
        }
      }
    }
    return new Map([...totals].map(([id, sums]) => [id, Float32Array.from(sums, (sum) => sum / samples.count)]));
  }

  profile(state: StateDict, samples: Samples): Promise<Profile> {
    return profileOf(this, state, samples);
  }

  preActivations(state: StateDict, samples: Samples): Promise<Map<string, UnitStatistics>> {
    return empiricalStatistics(this, state, samples);
  }

  gains(state: StateDict, statistics: NormStatistics): GainGradients {
    if (this.network.input.tokens) return new FeedForwardGains(this, state);
    return new OrtGains(this, state, statistics);
  }

  blend(state: StateDict): BlendGradients {
    return new OrtBlend(this, state);
  }

  agreement(state: StateDict): AgreementGradients {
    return new OrtAgreement(this, state);
  }

  response(state: StateDict, samples: Samples, target: number): Promise<Map<string, LayerResponse>> {
    return responseTerms(this, state, samples, target);
  }

  eachPosition(
    state: StateDict,
    samples: Samples,
    asked: ArrayLike<number>,
    visit: (layers: ReadonlyMap<string, LayerAtPositions>) => void,
  ): Promise<void> {
    return eachPosition(this, state, samples, asked, visit);
  }

  words(state: StateDict): WordGradients {
    return new OrtWords(this, state);
  }

  rewrites(state: StateDict, samples: Samples): ChannelRewrites {
    return new SuffixRewrites(this, state, samples);
  }

  scalings(state: StateDict, samples: Samples): Rewrites<UnitScaling> {
    return new ScaledUnits(this, state, samples);
  }

  /** Closes large sessions that were not used last: before work of another kind. */
  async trim(): Promise<void> {
    await this.pool.trim();
  }

  release(): Promise<void> {
    return this.pool.release();
  }
}

/** A runner with sessions of its own. */
export async function createRunner(
  task: Task,
  network: Network,
  normalization: Normalization,
  options: { threads: number },
): Promise<OrtRunner> {
  return new OrtRunner(task, network, normalization, new ProgramPool(options.threads));
}
