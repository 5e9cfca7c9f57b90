import { indexNeurons, tellsNothing } from "../../core/neuron-index.ts";
import { countNeurons, type NeuronSet } from "../../core/neurons.ts";
import { groupsOf, type TrainingModel } from "../../localize/learned/fit.ts";
import { topMean } from "../../localize/learned/gate.ts";
import { type LeftOut, type Localizer, oddsOf, variantWithout } from "../../localize/learned/localizer.ts";
import { agreementAtK } from "../../score/agreement-at-k.ts";
import { auroc } from "../../score/ranking.ts";
import { restrictContributions } from "../../score/wji.ts";
import { type DefectSource, layersOf } from "../judging/workbench.ts";

/** What a localizer is worth on models that its weights never saw the like of. */
export interface EvaluationRow {
  /** What the weights that judge a model never saw: its clean model, attack or architecture. */
  without: LeftOut["by"];
  truth: "effective" | "full";
  /** Whether a model below the gate counts as one in which nothing was found. */
  gated: boolean;
  defects: number;
  wji: number;
  wji_sham: number;
  auroc: number;
  auroc_sham: number;
  /** Of T, infected against shams. */
  detection: number;
  /** Infected models and shams that pass the gate. */
  infected_pass: number;
  shams_pass: number;
}

/** Judges every model by the variant that left out its group, for each kind of group of which there are several. */
export function evaluate(
  source: Pick<DefectSource, "readDefect" | "readLabels" | "readClean">,
  models: readonly TrainingModel[],
  localizer: Localizer,
): EvaluationRow[] {
  const kinds = [...new Set(localizer.variants.flatMap(({ without }) => (without ? [without.by] : [])))];
  return kinds.flatMap((by) => {
    const known = new Set(groupsOf(models, by).map(({ value }) => value));
    const judged = models
      .filter(({ groups }) => known.has(groups[by]))
      .map((model) => {
        const variant = variantWithout(localizer, { by, value: model.groups[by] });
        const scores = oddsOf(variant, model.rows);
        const top = topMean(scores);
        return { model, scores, top, passes: top >= variant.gate };
      });
    const infected = judged.filter(({ model }) => model.version === "infected");
    const shams = judged.filter(({ model }) => model.version === "sham");
    const tops = judged.map(({ top }) => top);
    const detection = auroc(
      Float64Array.from(tops),
      judged.map(({ model }) => (model.version === "infected" ? 1 : 0)),
    )!;
    const figures = (list: typeof judged, truth: EvaluationRow["truth"], gated: boolean) => {
      const found = list.flatMap(({ model, scores, passes }) => {
        const value = agreementWith(source, model.id, gated && !passes ? scores.map(() => 0) : scores, truth);
        return value ? [value] : [];
      });
      const mean = (key: "wji" | "auroc") => found.reduce((sum, one) => sum + one[key], 0) / found.length;
      return { count: found.length, wji: mean("wji"), auroc: mean("auroc") };
    };
    return (["effective", "full"] as const).flatMap((truth) =>
      [false, true].map((gated): EvaluationRow => {
        const [own, others] = [figures(infected, truth, gated), figures(shams, truth, gated)];
        return {
          ...{ without: by, truth, gated, defects: own.count, wji: own.wji, wji_sham: others.wji },
          ...{ auroc: own.auroc, auroc_sham: others.auroc, detection },
          infected_pass: infected.filter(({ passes }) => passes).length,
          shams_pass: shams.filter(({ passes }) => passes).length,
        };
      }),
    );
  });
}

/** @returns null where the defect has no such neurons */
function agreementWith(
  source: Pick<DefectSource, "readDefect" | "readLabels" | "readClean">,
  id: string,
  scores: Float64Array,
  truth: EvaluationRow["truth"],
): { wji: number; auroc: number } | null {
  const labels = source.readLabels(id);
  const sought: NeuronSet | null = truth === "full" ? labels.infected : labels.effective;
  if (sought === null || countNeurons(sought) === 0) return null;
  const index = indexNeurons(layersOf(source, source.readDefect(id)));
  const flags = new Uint8Array(index.size);
  for (const [layer, channels] of Object.entries(sought))
    for (const c of channels) flags[index.offsets.get(layer)! + c] = 1;
  const contribution = restrictContributions(labels.infected, labels.contribution, sought);
  const { wji } = agreementAtK(index, scores, sought, contribution, "global");
  return { wji: tellsNothing(scores) ? 0 : wji!, auroc: auroc(scores, flags)! };
}
