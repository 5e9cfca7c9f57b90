import type { DefectRecord } from "../../records/defect.ts";
import type { Claim, Finding } from "./claim.ts";
import { decidePositive, decideStable, MARGIN, matchedContrast, measured, notMeasured, STABLE } from "./contrast.ts";
import type { Evidence } from "./evidence.ts";
import { PAPER } from "./sources.ts";

/** How a criterion does as defects grow: claims about the levels (docs/methods.md §2). */

const stratum = ({ attack }: DefectRecord) => attack;

/** Between the smallest and the largest defects: true for `first`, false for `second`. */
function ends(first: "narrow" | "large") {
  return ({ level }: DefectRecord) => (level === "narrow" || level === "large" ? level === first : null);
}

/** The larger the defect, the more of it as many neurons drawn at random hit: shown beside every trend where it was judged. */
const CHANCE = "random";

function trend(
  criterion: string,
  what: string,
  side: (record: DefectRecord) => boolean | null,
  decide: typeof decidePositive,
): (evidence: Evidence) => Finding {
  return (evidence) => {
    const values = evidence.wji(criterion);
    if (values.length === 0) return notMeasured(criterion);
    const contrast = matchedContrast(values, side, stratum);
    const decisive = measured(what, contrast, evidence.seed);
    return {
      ...decide(contrast, decisive),
      decisive,
      figures: [...evidence.figuresOf(criterion), ...byLevel(evidence, criterion), ...byLevel(evidence, CHANCE)],
    };
  };
}

function byLevel(evidence: Evidence, criterion: string) {
  const values = evidence.wji(criterion);
  return ["narrow", "small", "middle", "large"]
    .map((level) =>
      evidence.mean(
        `${criterion}: WJI, top-k, ${level}`,
        values.filter(({ record }) => record.level === level),
      ),
    )
    .filter(({ defects }) => defects > 0);
}

const PAIRED = "matched by attack inside each clean model";
const SIGNED = `signed-rank test over clean models, p < 0.05; not reproduced where the interval ends below ${MARGIN}`;

export const clpDecays: Claim = {
  id: "clp-decays",
  statement: "CLP finds less the larger the defect: it decays from narrow to large",
  source: PAPER,
  rule: `WJI at narrow minus WJI at large, ${PAIRED}, is positive: ${SIGNED}`,
  decide: trend("clp", "clp: WJI, narrow − large", ends("narrow"), decidePositive),
};

export const anpStable: Claim = {
  id: "anp-stable",
  statement: "ANP does about as well at every level",
  source: PAPER,
  rule: `WJI at large minus WJI at narrow, ${PAIRED}: the 95 % interval lies within ±${STABLE}; not reproduced where it lies outside`,
  decide: trend("anp", "anp: WJI, large − narrow", ends("large"), (_, decisive) => decideStable(decisive)),
};

function improves(criterion: string, title: string): Claim {
  return {
    id: `${criterion}-improves`,
    statement: `${title} finds more the larger the defect`,
    source: PAPER,
    rule: `WJI at large minus WJI at narrow, ${PAIRED}, is positive: ${SIGNED}`,
    decide: trend(criterion, `${criterion}: WJI, large − narrow`, ends("large"), decidePositive),
  };
}

export const slicerImproves = improves("slicer", "SLICER");
export const deepmuflImproves = improves("deepmufl", "deepmufl");

export const ncNarrow: Claim = {
  id: "nc-narrow",
  statement: "NC works mainly at narrow",
  source: PAPER,
  rule: `WJI at narrow minus the mean WJI at the other levels, ${PAIRED}, is positive: ${SIGNED}`,
  decide: trend("nc", "nc: WJI, narrow − other levels", ({ level }) => level === "narrow", decidePositive),
};
