import { ALPHA, LEAST_CLUSTERS } from "../comparison.ts";
import type { Reproduction } from "./reproduction.ts";

/** The original's size (docs/methods.md §2). */
const ORIGINAL = { defects: 1654, groups: 48 };

/** What the verdicts rest on and how they are made, in sentences. */
export function preface({ defects, groups, models }: Omit<Reproduction, "decided">): string[] {
  const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? "" : "s"}`;
  return [
    `The original rests on ${ORIGINAL.defects} infected networks in ${ORIGINAL.groups} groups; what follows on ${count(defects, "accepted defect")} in ${count(groups, "group")}, made from ${count(models, "clean model")}. Only plain defects count, the original's style; means are over all data sets, architectures and attacks that were judged.`,
    "Set against all infected neurons, as the original did, on infected models. How large a set it let a criterion name is not known: claims are decided by the top-k set, k = the number of infected neurons. Where a claim is about one criterion, its own set stands beside it, and what the top-k set scores on the shams, which were tuned alike and carry no backdoor: the original had no such control.",
    `Defects of one clean model are not independent: values are first averaged per clean model, and tests and intervals are over clean models. With fewer than ${LEAST_CLUSTERS} the verdict is undecided whatever the figures say; tests are two-sided at ${ALPHA}, one per claim, not adjusted over the claims. Intervals are 95 % bootstrap intervals.`,
  ];
}
