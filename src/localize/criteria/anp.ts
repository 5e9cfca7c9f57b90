import { type Budget, DEFAULT_BUDGET } from "../../core/budget.ts";
import { Random, stageSeed } from "../../core/random.ts";
import { type Network, neuronLayers } from "../../graph/network.ts";
import type { NormStatistics } from "../../graph/programs/gains.ts";
import { CleanBatches, type Fed } from "../../measure/clean-batches.ts";
import type { GainGradients } from "../../measure/gains.ts";
import { byMasks, Masks } from "../masks.ts";
import { shortImages } from "../short-budget.ts";
import type { CleanCriterion, Suspect } from "../types.ts";

/** How masks are learned. */
export interface AnpSettings {
  iterations: number;
  batch: number;
  /** ε: how far the perturbation may push in all its steps. */
  epsilon: number;
  /** T: sign steps of the perturbation. */
  steps: number;
  /** α: what the unperturbed loss counts. */
  natural: number;
  learningRate: number;
  momentum: number;
  /** Batch norm on each batch's own statistics, or on the stored ones. */
  statistics: NormStatistics;
  /** Whether the perturbation is held inside the ε-ball, as the paper has it; the released code lets it reach 2ε. */
  project: boolean;
}

/** The released code's defaults (csdongxian/ANP_backdoor; docs/methods.md §10.4). */
export const PUBLISHED: AnpSettings = {
  iterations: 2000,
  batch: 128,
  epsilon: 0.4,
  steps: 1,
  natural: 0.2,
  learningRate: 0.2,
  momentum: 0.9,
  statistics: "batch",
  project: false,
};

type Effort = Pick<AnpSettings, "iterations" | "batch">;

const EFFORT: Record<Exclude<Budget, "full">, Effort> = {
  demo: { iterations: 16, batch: 32 },
  short: { iterations: 200, batch: 32 },
};

/** Gradients in an iteration: the adversary's, and those of both losses. */
const PASSES = 3;

/** Where fewer iterations fit, batches are halved first. */
const MANY_ITERATIONS = 150;

const FEWEST_ITERATIONS = 50;

/**
 * Iterations and batch of each budget. Steps are worth more than images: the short one has small batches, and smaller
 * ones where a network is so large that it would take too long.
 */
export function effortFor(network: Network, budget: Budget): Effort {
  if (budget === "full") return { iterations: PUBLISHED.iterations, batch: PUBLISHED.batch };
  const { iterations, batch } = EFFORT[budget];
  if (budget === "demo") return { iterations, batch };
  const fitting = (size: number) => Math.min(iterations, Math.floor(shortImages(network) / (PASSES * size)));
  if (fitting(batch) >= MANY_ITERATIONS) return { iterations: fitting(batch), batch };
  return { iterations: Math.max(FEWEST_ITERATIONS, fitting(batch / 2)), batch: batch / 2 };
}

/** Masks at most this large name their neurons (the paper's for CIFAR-10). */
const THRESHOLD = 0.2;

/** δ and ξ: what is added to every mask and, in units of β, to every shift. */
export interface Perturbation {
  gain: Float32Array;
  shift: Float32Array;
}

/** Moves a perturbation to where the loss is larger: `δ ← δ + (ε/T)·sign(∂CE/∂δ)`, T times, and ξ alike. */
export async function perturb(
  gains: GainGradients,
  batch: Fed,
  masks: Float32Array,
  start: Perturbation,
  { epsilon, steps, project }: Pick<AnpSettings, "epsilon" | "steps" | "project">,
): Promise<Perturbation> {
  const moved = { gain: start.gain.slice(), shift: start.shift.slice() };
  for (let step = 0; step < steps; step++) {
    const slope = await gains.at(batch, ...factors(masks, moved));
    for (const part of ["gain", "shift"] as const) {
      for (let i = 0; i < masks.length; i++) {
        const next = moved[part][i] + (epsilon / steps) * (Math.sign(slope[part][i]) || 0);
        moved[part][i] = project ? Math.min(epsilon, Math.max(-epsilon, next)) : next;
      }
    }
  }
  return moved;
}

/** The gradient of `α·CE(m, 0, 0) + (1 − α)·CE(m, δ, ξ)` by the masks. */
export async function maskGradient(
  gains: GainGradients,
  batch: Fed,
  masks: Float32Array,
  perturbation: Perturbation,
  natural: number,
): Promise<Float32Array> {
  const still = { gain: new Float32Array(masks.length), shift: new Float32Array(masks.length) };
  const calm = await gains.at(batch, ...factors(masks, still));
  const pushed = await gains.at(batch, ...factors(masks, perturbation));
  return calm.gain.map((g, i) => natural * g + (1 - natural) * pushed.gain[i]);
}

function factors(masks: Float32Array, { gain, shift }: Perturbation): [gain: Float32Array, shift: Float32Array] {
  return [masks.map((m, i) => m + gain[i]), shift.map((x) => 1 + x)];
}

/** Learns the masks, flat in the network's order (docs/methods.md §10.4). No weight gradient is ever computed. */
export async function learnMasks(suspect: Suspect, settings: AnpSettings): Promise<Float32Array> {
  const { network, state, runner, clean, seed } = suspect;
  const { epsilon, learningRate } = settings;
  const seedOf = (what: string) => stageSeed(seed, "localize", "anp", what);
  const batches = new CleanBatches(suspect, clean.fit, settings.batch, new Random(seedOf("batches")));
  const noise = new Random(seedOf("noise"));
  const size = neuronLayers(network).reduce((sum, { width }) => sum + width, 0);
  const masks = new Masks(size, settings.momentum);
  const gains = runner.gains(state, settings.statistics);
  const draw = () => Float32Array.from({ length: size }, () => noise.between(-epsilon, epsilon));
  for (let i = 0; i < settings.iterations; i++) {
    const batch = batches.draw();
    const pushed = await perturb(gains, batch, masks.values, { gain: draw(), shift: draw() }, settings);
    masks.step(await maskGradient(gains, batch, masks.values, pushed, settings.natural), learningRate);
  }
  return masks.values;
}

/**
 * Adversarial neuron pruning (docs/methods.md §10.4): a mask per channel is learned that keeps the clean loss low while
 * an adversary pushes gains and shifts where it hurts; backdoored channels react most and lose their masks.
 */
export const anp: CleanCriterion = {
  name: "anp",
  title: "Adversarial neuron pruning",
  kind: "published",
  source: "Wu, Wang: Adversarial Neuron Pruning Purifies Backdoored Deep Models (NeurIPS 2021)",
  needs: ["norm-or-feed-forward"],
  access: "clean",
  needsData: true,
  async localize(suspect) {
    const { network, budget = DEFAULT_BUDGET } = suspect;
    const masks = await learnMasks(suspect, { ...PUBLISHED, ...effortFor(network, budget) });
    return byMasks(network, masks, THRESHOLD);
  },
};
