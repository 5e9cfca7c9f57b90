import { listNeurons } from "../../src/core/neurons.ts";
import type { WeightCriterion } from "../../src/localize/by-weights.ts";
import { clp } from "../../src/localize/criteria/clp.ts";
import { weightFloor } from "../../src/localize/criteria/weight-floor.ts";
import { weightNorm } from "../../src/localize/criteria/weight-norm.ts";
import { unmetNeed } from "../../src/localize/needs.ts";
import type { SiteDefect, SiteScores } from "../../src/records/site.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { networkOf } from "./neurons.ts";

/** They ask the weights alone, so they can be computed wherever the weights are. */
const CRITERIA: readonly WeightCriterion[] = [clp, weightNorm, weightFloor];

/** The facts with scores of these criteria too, where the site carries none of theirs. */
export function withWeightScores(facts: SiteDefect, infected: StateDict): SiteDefect {
  const network = networkOf(facts);
  const isCarried = (name: string) => facts.scores.some(({ criterion }) => criterion === name);
  const computed = CRITERIA.filter((one) => !isCarried(one.name) && unmetNeed(one, network, WITHOUT_DATA) === null).map(
    ({ name, rawOf, judge }): SiteScores => {
      const { scores, native } = judge(rawOf(network, infected));
      return { criterion: name, budget: "short", scores, native: listNeurons(native) };
    },
  );
  return { ...facts, scores: [...facts.scores, ...computed] };
}

/** What such criteria need of a task is nothing. */
const WITHOUT_DATA = { traits: [] };
