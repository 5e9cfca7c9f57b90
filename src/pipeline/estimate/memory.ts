import { isPlanned } from "../../engine/session.ts";
import { activationBytes, stateValues } from "../../graph/cost.ts";
import { type Network, outputsOf } from "../../graph/network.ts";
import { networkFor } from "../../tasks/registry.ts";
import type { PlannedClean } from "../plan/plan.ts";
import { settingsFor } from "../recipe/overrides.ts";
import type { Edition } from "../recipe/recipe.ts";
import { datasetSize } from "./dataset-size.ts";

/** The process itself with runtime and code. */
const PROGRAM_BYTES = 150e6;
/**
 * Of a training step per byte of its batch's activations, where the runtime plans its memory and where it does not, and
 * per stored value. Peaks of processes that made steps were, in MiB with the activations' in parentheses: planned,
 * ResNet-18 w16 515 (107), w8 347 (54), VGG-16 w16 307 (39), GoogLeNet w16 825 (170), w8 832 (170); unplanned, GoogLeNet
 * w16 831 (340), ResNet-18 1,375 (422, and 43 of weights), VGG-13 1,123 (138, and 36 of weights). Weights that are
 * transformed for minimal filtering are up to four times as many.
 */
const PLANNED = 4.5;
const UNPLANNED = 2.6;
const PER_VALUE = 20;
/**
 * Of a candidate, per activation of a measuring batch: its sessions (inference, tuning, conductance, single effects)
 * each keep the memory of their largest run. Measured once, on candidates of ResNet-18 w16: a peak of 1,460 MB.
 */
const MEASURING = 12;
const MEASURING_BATCH = 128;
/**
 * The same of sequences, which are computed in parts of a batch but for contributions; per byte of what a network puts out for the test texts;
 * and beside both, most likely arrays that wait to be collected. Fitted to the four peaks of docs/language.md.
 */
const MEASURING_SEQUENCES = 1.5;
const OUTPUTS = 3;
const WAITING_BYTES = 900e6;
/** Sequences that a step computes at once, however many its batch has. */
const SEQUENCES = 16;
/** Samples lie there as loaded and as split, a byte a value. */
const COPIES = 2;
/** Where nothing is known without loading. */
const SOME_SAMPLES = 60_000;
const SOME_TEXTS = 1200;

/** Bytes that a worker needs at most for a clean model and its candidates; an estimate, on the safe side. */
export function workerBytes(edition: Edition, { dataset, arch }: PlannedClean): number {
  const network = networkFor(arch, dataset);
  const { batch } = settingsFor(edition.clean, { dataset, arch });
  return Math.max(stepBytes(network, dataset, batch), judgingBytes(network, dataset));
}

/** Bytes that a process needs at most to judge models of a network. */
export function judgingBytes(network: Network, dataset: string): number {
  const held = activationBytes(network, MEASURING_BATCH);
  if (!network.input.tokens) return restBytes(network, dataset) + MEASURING * held;
  const told = (datasetSize(dataset)?.test || SOME_TEXTS) * outputsOf(network) * Float32Array.BYTES_PER_ELEMENT;
  return restBytes(network, dataset) + WAITING_BYTES + MEASURING_SEQUENCES * held + OUTPUTS * told;
}

/** Bytes that a process needs at most for training steps, or tuning steps, of so many images. */
export function stepBytes(network: Network, dataset: string, batch: number): number {
  const held = activationBytes(network, network.input.tokens ? Math.min(batch, SEQUENCES) : batch);
  return restBytes(network, dataset) + held * (isPlanned(held) ? PLANNED : UNPLANNED);
}

/** The most images that {@link stepBytes} finds room for; 0 where the weights alone are too many. */
export function batchWithin(network: Network, dataset: string, limit: number): number {
  const room = Math.max(0, limit - restBytes(network, dataset));
  const each = activationBytes(network, 1);
  const many = Math.floor(room / UNPLANNED / each);
  return isPlanned(many * each) ? Math.floor(room / PLANNED / each) : many;
}

/** All that does not grow with the batch. */
function restBytes(network: Network, dataset: string): number {
  const size = datasetSize(dataset);
  const { channels, height, width } = network.input;
  const held = (size ? size.train + size.test : SOME_SAMPLES) * channels * height * width * COPIES;
  return PROGRAM_BYTES + stateValues(network) * PER_VALUE * Float32Array.BYTES_PER_ELEMENT + held;
}
