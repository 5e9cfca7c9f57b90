import { InputError } from "../../core/errors.ts";
import { type Network, stateShapes } from "../../graph/network.ts";
import type { ForeignRecord } from "../../records/foreign.ts";
import { fittingNetwork, recognise } from "../../tasks/classification/models/recognition/recognise.ts";
import { type StateDict, tensorOf } from "../../tensor/state.ts";
import type { Database } from "../database.ts";
import { readModel } from "../objects/models.ts";
import { isPruned, splitLine } from "./split-weights.ts";

/** A foreign model's weights. */
export interface ForeignModel {
  /** Ours that fits; null: none. */
  network: Network | null;
  /** The network's own tensors in its order; those that are stored where none fits. */
  state: StateDict;
  /** All that is stored, counters of batches among them. */
  stored: StateDict;
}

/** @throws InputError where the object is missing, damaged, or not of the architecture that the record states */
export async function loadForeign(db: Pick<Database, "objects">, record: ForeignRecord): Promise<ForeignModel> {
  const stored = await readModel(db.objects, record.model);
  const network = record.fits === null ? null : fittingNetwork(stored);
  if ((network?.arch ?? null) !== record.fits) {
    throw new InputError(`${db.objects.path(record.model.object)}: does not hold the tensors of ${record.fits}`);
  }
  if (!network) return { network, state: stored, stored };
  const state: StateDict = new Map([...stateShapes(network).keys()].map((key) => [key, tensorOf(stored, key)]));
  return { network, state, stored };
}

/**
 * Which name or shape of the nearest architecture a foreign model has otherwise; null where one fits.
 *
 * @throws InputError where the object is missing or damaged
 */
export async function whyUnfit(db: Pick<Database, "objects">, record: ForeignRecord): Promise<string | null> {
  if (record.fits !== null) return null;
  const stored = await readModel(db.objects, record.model);
  const found = recognise(stored);
  if ("why" in found && isPruned(stored))
    return "keeps pruned weights in two parts, which are joined today; import it anew";
  return "why" in found ? (splitLine(stored.keys()) ?? found.why) : `fits ${found.network.arch} today; import it anew`;
}
