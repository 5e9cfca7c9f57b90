import type { Claim } from "./claim.ts";
import { decidePositive, MARGIN, matchedContrast, measured, notMeasured } from "./contrast.ts";
import { PAPER } from "./sources.ts";

/** SLICER looks for what contributes little to clean predictions, and SRA cuts its neurons off from them. */
export const slicerStrongOnSra: Claim = {
  id: "slicer-strong-on-sra",
  statement: "SLICER is strong on SRA, which isolates the infected neurons from the clean predictions",
  source: PAPER,
  rule: `SLICER's WJI on SRA minus that on the other attacks, matched by level inside each clean model, is positive: signed-rank test over clean models, p < 0.05; not reproduced where the interval ends below ${MARGIN}`,
  decide(evidence) {
    const values = evidence.wji("slicer");
    if (values.length === 0) return notMeasured("slicer");
    const contrast = matchedContrast(
      values,
      ({ attack }) => attack === "sra",
      ({ level }) => level,
    );
    const decisive = measured("slicer: WJI, SRA − other attacks", contrast, evidence.seed);
    const attacks = [...new Set(values.map(({ record }) => record.attack))].sort();
    const byAttack = attacks.map((attack) =>
      evidence.mean(
        `slicer: WJI, top-k, ${attack}`,
        values.filter(({ record }) => record.attack === attack),
      ),
    );
    return { ...decidePositive(contrast, decisive), decisive, figures: [...evidence.figuresOf("slicer"), ...byAttack] };
  },
};
