import { lookup } from "../core/errors.ts";
import { DATASETS } from "../datasets/registry.ts";
import { activationValues, stateValues } from "../graph/cost.ts";
import { buildNetwork } from "../models/registry.ts";
import type { PlannedClean } from "./plan.ts";
import type { Edition } from "./recipe.ts";

const FLOAT_BYTES = 4;

/** Bytes that a worker needs at most for a clean model and its candidates; an estimate. */
export function workerBytes(_edition: Edition, { dataset, arch }: PlannedClean): number {
  const network = buildNetwork(arch, lookup(DATASETS, "data set", dataset).classes.length);
  return (activationValues(network) * 128 * 5 + stateValues(network) * 6) * FLOAT_BYTES + 400e6;
}
