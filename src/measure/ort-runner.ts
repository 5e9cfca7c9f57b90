import { argmax } from "../core/argmax.ts";
import { foldState } from "../graph/fold.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { type Network, neuronLayers, unitsOf } from "../graph/network.ts";
import { contributionProgram, dotOf } from "../graph/programs/contribution.ts";
import type { NormStatistics } from "../graph/programs/gains.ts";
import { inferProgram, meanAbsTap, meanTap, tapProgram } from "../graph/programs/infer.ts";
import type { ImageSet, Normalization } from "../images/image-set.ts";
import type { StateDict } from "../tensor/state.ts";
import { type AgreementGradients, OrtAgreement } from "./agreement.ts";
import { slices } from "./batches.ts";
import { type BlendGradients, OrtBlend } from "./blend.ts";
import { type GainGradients, OrtGains } from "./gains.ts";
import type { ChannelRewrites } from "./mutants/rewrite.ts";
import { SuffixRewrites } from "./mutants/suffix-rewrites.ts";
import { ProgramPool } from "./pool.ts";
import { type Profile, profileOf } from "./profile.ts";
import { type LayerResponse, responseTerms } from "./response.ts";
import type { ModelRunner, TapKind, Taps } from "./runner.ts";
import type { Runtime } from "./runtime.ts";
import { empiricalStatistics, type UnitStatistics } from "./statistics.ts";

/** Images per run; fewer where there are fewer, or most of the work would be padding. */
const batchFor = (images: ImageSet) => Math.min(128, images.count);

/** The ONNX Runtime implementation of {@link ModelRunner}. */
export class OrtRunner implements ModelRunner, Runtime {
  readonly network: Network;
  readonly normalization: Normalization;
  readonly pool: ProgramPool;

  constructor(network: Network, normalization: Normalization, pool: ProgramPool) {
    this.network = network;
    this.normalization = normalization;
    this.pool = pool;
  }

  async logits(state: StateDict, images: ImageSet): Promise<Float32Array> {
    const { network } = this;
    const batch = batchFor(images);
    const result = new Float32Array(images.count * network.classes);
    const folded = foldState(network, state);
    const [feeds, steady] = [new Map(folded), new Set(folded.keys())];
    const make = (lowering: Lowering) => inferProgram(lowering, network);
    for (const slice of slices(images, this.normalization, batch)) {
      feeds.set("input", slice.images);
      const outputs = await this.pool.run("infer", network, batch, make, feeds, undefined, steady);
      const logits = outputs.get("logits")!.subarray(0, slice.count * network.classes);
      result.set(logits, slice.start * network.classes);
    }
    return result;
  }

  async accuracy(state: StateDict, images: ImageSet): Promise<number> {
    const logits = await this.logits(state, images);
    let right = 0;
    for (let i = 0; i < images.count; i++) if (argmax(logits, this.network.classes, i) === images.labels[i]) right++;
    return right / images.count;
  }

  async taps(state: StateDict, images: ImageSet, kind: TapKind): Promise<Taps> {
    const { network } = this;
    const batch = batchFor(images);
    const units = unitsOf(network);
    const taps: Taps = new Map(units.map(({ id, width }) => [id, new Float32Array(images.count * width)]));
    const feeds = new Map(foldState(network, state));
    for (const slice of slices(images, this.normalization, batch)) {
      feeds.set("input", slice.images);
      const outputs = await this.pool.run("taps", network, batch, (l) => tapProgram(l, network), feeds);
      for (const { id, width, relu } of units) {
        const key = kind === "mean-abs" && !relu ? meanAbsTap(id) : meanTap(id);
        taps.get(id)!.set(outputs.get(key)!.subarray(0, slice.count * width), slice.start * width);
      }
    }
    return taps;
  }

  async contribution(state: StateDict, images: ImageSet): Promise<Map<string, Float32Array>> {
    const { network } = this;
    const batch = batchFor(images);
    const totals = new Map(neuronLayers(network).map(({ name, width }) => [name, new Float64Array(width)]));
    const feeds = new Map(foldState(network, state));
    const targets = new Float32Array(batch * network.classes);
    feeds.set("targets", targets);
    for (const slice of slices(images, this.normalization, batch)) {
      targets.fill(0);
      for (let i = 0; i < slice.count; i++) targets[i * network.classes + images.labels[slice.start + i]] = 1;
      feeds.set("input", slice.images);
      const outputs = await this.pool.run(
        "contribution",
        network,
        batch,
        (l) => contributionProgram(l, network),
        feeds,
      );
      for (const [id, sums] of totals) {
        const dots = outputs.get(dotOf(id))!;
        for (let i = 0; i < slice.count; i++) {
          for (let c = 0; c < sums.length; c++) sums[c] += Math.abs(dots[i * sums.length + c]);
        }
      }
    }
    return new Map([...totals].map(([id, sums]) => [id, Float32Array.from(sums, (sum) => sum / images.count)]));
  }

  profile(state: StateDict, images: ImageSet): Promise<Profile> {
    return profileOf(this, state, images);
  }

  preActivations(state: StateDict, images: ImageSet): Promise<Map<string, UnitStatistics>> {
    return empiricalStatistics(this, state, images);
  }

  gains(state: StateDict, statistics: NormStatistics): GainGradients {
    return new OrtGains(this, state, statistics);
  }

  blend(state: StateDict): BlendGradients {
    return new OrtBlend(this, state);
  }

  agreement(state: StateDict): AgreementGradients {
    return new OrtAgreement(this, state);
  }

  response(state: StateDict, images: ImageSet, target: number): Promise<Map<string, LayerResponse>> {
    return responseTerms(this, state, images, target);
  }

  rewrites(state: StateDict, images: ImageSet): ChannelRewrites {
    return new SuffixRewrites(this, state, images);
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
  network: Network,
  normalization: Normalization,
  options: { threads: number },
): Promise<OrtRunner> {
  return new OrtRunner(network, normalization, new ProgramPool(options.threads));
}
