import { flatScores, indexNeurons, layerScores, neuronsAt } from "../../core/neuron-index.ts";
import { neuronLayers } from "../../graph/network.ts";
import { neuronFeatures } from "../learned/features.ts";
import { topMean } from "../learned/gate.ts";
import { currentLocalizer, type LocalizerVariant, oddsOf, variantWithout } from "../learned/localizer.ts";
import type { CleanCriterion, Localization, Suspect } from "../types.ts";

/** Log odds above which a neuron is named, in a model in which a backdoor is found. */
const NAMED = 0;

/**
 * A logistic regression over what can be measured of a neuron without a label (docs/methods.md §10.14): weights, clean
 * activations, and who carries the flip under a reversed patch or word. It was trained on the infected models and shams of a database.
 * A model of that database is judged by weights that never saw its clean model.
 */
export const learned: CleanCriterion = unseen(null);

/** @param clean the clean model that the weights must not have seen, where whoever judges knows the suspect's */
function unseen(clean: string | null): CleanCriterion {
  return {
    name: "learned",
    title: "Learned from a database",
    kind: "own",
    needs: ["patch-or-words"],
    access: "clean",
    needsData: true,
    localize: (suspect) => judge(suspect, clean),
    without: unseen,
  };
}

async function judge(suspect: Suspect, clean: string | null): Promise<Localization> {
  const localizer = currentLocalizer(suspect.task.insertion ? "word" : "patch");
  const variant = variantWithout(localizer, clean === null ? null : { by: "clean", value: clean });
  const { names, rows } = await neuronFeatures(suspect);
  if (names.join() !== localizer.features.join()) {
    throw new Error("the localizer was trained on other features than this version measures: train it anew");
  }
  const index = indexNeurons(neuronLayers(suspect.network));
  const raw = layerScores(index, oddsOf(variant, rows));
  const flat = flatScores(index, raw);
  const top = topMean(flat);
  const passes = top >= variant.gate;
  const named = flat.map((odds) => (odds > NAMED ? 1 : 0));
  const native = passes ? neuronsAt(index, named) : {};
  return { raw, scores: raw, native, note: noteOf(top, variant) };
}

/** The T in a stored note. @returns null where the note holds none */
export function topIn(note: string | null | undefined): number | null {
  const found = /: T (-?\d+\.\d{2}), gate /.exec(note ?? "");
  return found && Number(found[1]);
}

/** The gate in a stored note, which T was held against. @returns null where the note holds none */
export function gateIn(note: string | null | undefined): number | null {
  const found = /, gate (-?\d+\.\d{2}); /.exec(note ?? "");
  return found && Number(found[1]);
}

/** Whether a stored note says that the model passed the gate. */
export function findsBackdoor(note: string | null | undefined): boolean {
  return (note ?? "").startsWith(`${FOUND}: T `);
}

const FOUND = "a backdoor";

function noteOf(top: number, { gate, without }: LocalizerVariant): string {
  const verdict = top >= gate ? FOUND : "no backdoor";
  const weights = without ? `weights without ${without.value}` : "weights of all models";
  return `${verdict}: T ${top.toFixed(2)}, gate ${gate.toFixed(2)}; ${weights}`;
}
