import type { TorchSetup } from "./torch-setups.ts";

/** One way in which an expert would run a criterion in PyTorch. */
export interface CriterionSetup extends Pick<TorchSetup, "allocator" | "layout"> {
  /** Of `criteria.py`. */
  criterion: string;
  /** `folded`: batch norm inside the convolutions. `traced`: the forward pass without Python. */
  ways: readonly string[];
}

const [FIRST, LAST] = ["channels-first", "channels-last"] as const;

function setup(criterion: string, layout: TorchSetup["layout"] = FIRST, ...ways: string[]): CriterionSetup {
  return { criterion, layout, ways, allocator: "default" };
}

/**
 * The setups of each criterion that differ in what PyTorch computes; the first is the procedure as published, as one writes
 * it first.
 */
export const CRITERION_SETUPS: Record<string, readonly [CriterionSetup, ...CriterionSetup[]]> = {
  fp: [setup("fp"), setup("fp", LAST), setup("fp", LAST, "folded"), setup("fp", LAST, "folded", "traced")],
  nc: [
    setup("nc"),
    setup("nc", FIRST, "folded"),
    setup("nc", LAST),
    setup("nc", LAST, "folded"),
    setup("nc", LAST, "folded", "traced"),
    // All classes in one batch.
    setup("nc-together", FIRST, "folded", "traced"),
    setup("nc-together", LAST, "folded", "traced"),
  ],
  // Flat: gains and shifts of all units as one vector, gradients of nothing else.
  anp: [setup("anp"), setup("anp", LAST), setup("anp-flat"), setup("anp-flat", LAST)],
  clp: [setup("clp-channelwise"), setup("clp"), setup("clp-gram"), setup("clp-together"), setup("clp-together-single")],
};

export function criterionSetupName({ criterion, layout, ways, allocator }: CriterionSetup): string {
  const parts = [criterion, layout === LAST && layout, ...ways, allocator !== "default" && allocator];
  return parts.filter(Boolean).join(", ");
}
