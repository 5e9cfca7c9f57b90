import type { LayerScores } from "../core/neurons.ts";
import { neuronLayers } from "../graph/network.ts";
import { layerZ } from "./normalise.ts";
import { topShare } from "./top-share.ts";
import type { Localization, Suspect } from "./types.ts";

/**
 * Rule 1's own measure I (docs/methods.md §6.1) on the defender's data, times `sign`, layer z (docs/methods.md §10.10):
 * how far a criterion merely recovers the rule by which the sub-network was chosen.
 */
export async function byContribution(suspect: Suspect, sign: 1 | -1): Promise<Localization> {
  const { network, state, runner, clean } = suspect;
  const contribution = await runner.contribution(state, clean.fit);
  const layers = neuronLayers(network);
  const raw: LayerScores = {};
  for (const { name } of layers) raw[name] = Array.from(contribution.get(name)!, (value) => sign * value + 0);
  const scores = layerZ(raw);
  return { raw, scores, native: topShare(layers, scores) };
}
