import type { Style } from "../core/ids.ts";
import type { NeuronSet } from "../core/neurons.ts";
import { convUnits, type Network } from "../graph/network.ts";
import { ownedKeys, unitsOf } from "./mask.ts";

/** Tensor key → ascending rows. */
type Rows = Record<string, number[]>;

/** The vectors of a unit's batch norm that a function-preserving rewrite sets, all channels: γ, β, μ, σ². */
const BATCH_NORM = ["weight", "bias", "running_mean", "running_var"];

/** What a rewrite of the batch-norm statistics changes: every row of every batch norm. */
export function batchNormRows(network: Network): Rows {
  const rows: Rows = {};
  for (const { bn, out } of convUnits(network)) {
    for (const part of BATCH_NORM) rows[`${bn}.${part}`] = Array.from({ length: out }, (_, c) => c);
  }
  return rows;
}

/**
 * The rows that a fine-tuned defect may change of its clean twin (docs/methods.md §7.5): exactly θ_G in style `plain`;
 * in style `discreet` also the batch norms, since twin and defect have statistics of their own.
 * @throws Error on a neuron that the network lacks
 */
export function changedSet(network: Network, infected: NeuronSet, style: Style): Rows {
  const rows: Rows = {};
  for (const { unit, channels } of unitsOf(network, infected)) {
    if (channels.length > 0) for (const key of ownedKeys(unit)) rows[key] = channels;
  }
  return style === "discreet" ? { ...rows, ...batchNormRows(network) } : rows;
}
