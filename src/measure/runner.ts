import type { Samples } from "../core/samples.ts";
import type { NormStatistics } from "../graph/programs/gains.ts";
import type { StateDict } from "../tensor/state.ts";
import type { AgreementGradients } from "./agreement.ts";
import type { BlendGradients } from "./blend.ts";
import type { GainGradients } from "./gains.ts";
import type { ChannelRewrites, Rewrites } from "./mutants/rewrite.ts";
import type { UnitScaling } from "./mutants/scaled-units.ts";
import type { LayerAtPositions } from "./positions.ts";
import type { Profile } from "./profile.ts";
import type { LayerResponse } from "./response.ts";
import type { UnitStatistics } from "./statistics.ts";
import type { WordGradients } from "./words.ts";

/** Numbers of every neuron for every sample: layer name → `[count × width]`, sample by sample. */
export type Taps = Map<string, Float32Array>;

export type TapKind = "mean" | "mean-abs";

/** Runs one network, under any weights for it, on samples. */
export interface ModelRunner {
  /** What the network puts out `[count × width]`, sample by sample; of a classifier logits. */
  outputs(state: StateDict, samples: Samples): Promise<Float32Array>;
  /**
   * Spatial mean of every neuron's activation (post-ReLU where ReLU follows directly, docs/methods.md §1.1), or of its
   * absolute value.
   */
  taps(state: StateDict, samples: Samples, kind: TapKind): Promise<Taps>;
  /** Spatial mean of every channel on the way, before and after the ReLUs (docs/methods.md §10.6). */
  profile(state: StateDict, samples: Samples): Promise<Profile>;
  /** Mean quality of the outputs in [0, 1]; of a classifier the share of images whose highest logit is their class. */
  quality(state: StateDict, samples: Samples): Promise<number>;
  /** Rule 1's contribution I (docs/methods.md §6.1): E |Σ_hw a·∂L/∂a| per neuron. */
  contribution(state: StateDict, samples: Samples): Promise<Map<string, Float32Array>>;
  /** Mean and variance of every neuron's pre-activation (before batch norm) over samples and positions. */
  preActivations(state: StateDict, samples: Samples): Promise<Map<string, UnitStatistics>>;
  /** The model with factors on its batch norms, normalising with each batch's own statistics or the stored ones. */
  gains(state: StateDict, statistics: NormStatistics): GainGradients;
  /** The model under a pattern blended into its images. */
  blend(state: StateDict): BlendGradients;
  /** The same, asked for one class in common. */
  agreement(state: StateDict): AgreementGradients;
  /** What the response towards a target owes to every neuron, to first order (docs/methods.md §10.13). */
  response(state: StateDict, samples: Samples, target: number): Promise<Map<string, LayerResponse>>;
  /** The model of words with vectors put into its samples. */
  words(state: StateDict): WordGradients;
  /** Of a network of sequences, sample by sample: every neuron at every position, and how the asked output depends on it. */
  eachPosition(
    state: StateDict,
    samples: Samples,
    asked: ArrayLike<number>,
    visit: (layers: ReadonlyMap<string, LayerAtPositions>) => void,
  ): Promise<void>;
  /** The model on these samples with single channels computed otherwise. */
  rewrites(state: StateDict, samples: Samples): ChannelRewrites;
  /** The same of a decoder, with a feed-forward unit's weights multiplied. */
  scalings(state: StateDict, samples: Samples): Rewrites<UnitScaling>;
}
