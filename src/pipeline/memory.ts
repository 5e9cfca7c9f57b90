import { lookup } from "../core/errors.ts";
import { DATASETS } from "../datasets/registry.ts";
import { datasetSize } from "../datasets/sizes.ts";
import { activationValues, stateValues } from "../graph/cost.ts";
import type { Network } from "../graph/network.ts";
import { buildNetwork } from "../models/registry.ts";
import { settingsFor } from "./overrides.ts";
import type { PlannedClean } from "./plan.ts";
import type { Edition } from "./recipe.ts";

const FLOAT_BYTES = 4;
/** The process itself with runtime and code. */
const PROGRAM_BYTES = 150e6;
/**
 * Of a training step, per activation of its batch and per stored value. Peaks measured beyond the process's own
 * memory: ResNet-18 w16 at batch 128 385 MB (3.6 per activation of 107 MB), full width 1,768 MB (4.2 of 422 MB).
 */
const TRAINING = 4;
const PER_VALUE = 6;
/**
 * Of a candidate, per activation of a measuring batch: its sessions (inference, tuning, conductance, single effects)
 * each keep the memory of their largest run. Measured once, on candidates of ResNet-18 w16: a peak of 1,460 MB.
 */
const MEASURING = 12;
const MEASURING_BATCH = 128;
/** Images lie there as loaded and as split. */
const IMAGE_COPIES = 2;
const IMAGE_BYTES = 3 * 32 * 32;
/** Where nothing is known without loading. */
const SOME_IMAGES = 60_000;

/** Bytes that a worker needs at most for a clean model and its candidates; an estimate, on the safe side. */
export function workerBytes(edition: Edition, { dataset, arch }: PlannedClean): number {
  const network = buildNetwork(arch, lookup(DATASETS, "data set", dataset).classes.length);
  const { batch } = settingsFor(edition.clean, { dataset, arch });
  return processBytes(network, dataset, Math.max(TRAINING * batch, MEASURING * MEASURING_BATCH));
}

/** Bytes that a process needs at most to judge models of a network. */
export function judgingBytes(network: Network, dataset: string): number {
  return processBytes(network, dataset, MEASURING * MEASURING_BATCH);
}

/** Bytes that a process needs at most for training steps, or tuning steps, of so many images. */
export function stepBytes(network: Network, dataset: string, batch: number): number {
  return processBytes(network, dataset, TRAINING * batch);
}

/** The most images that {@link stepBytes} finds room for; 0 where the weights alone are too many. */
export function batchWithin(network: Network, dataset: string, limit: number): number {
  const fixed = stepBytes(network, dataset, 0);
  return Math.max(0, Math.floor((limit - fixed) / (stepBytes(network, dataset, 1) - fixed)));
}

/** @param images whose activations are held, with all that hangs on them */
function processBytes(network: Network, dataset: string, images: number): number {
  const values = activationValues(network) * images + stateValues(network) * PER_VALUE;
  const size = datasetSize(dataset);
  const pixels = (size ? size.train + size.test : SOME_IMAGES) * IMAGE_BYTES * IMAGE_COPIES;
  return PROGRAM_BYTES + values * FLOAT_BYTES + pixels;
}
