import type { ReportData } from "../collect.ts";
import { type Html, html } from "../html.ts";
import { type PairedRepairs, pairedRepairs } from "../paired-repairs.ts";
import type { RankedCriterion } from "../ranking.ts";
import { cellText, excludesZero } from "../tables.ts";

/** What came out, in sentences. Only criteria that see no more than clean data compete. */
export function findings(data: ReportData): Html[] {
  return [
    ...localization(data),
    ...pairedRepairs(data)
      .sort((a, b) => b.defects - a.defects || (a.method < b.method ? 1 : -1))
      .flatMap(repair),
  ];
}

/** Who tells the backdoor from mere tuning by the headline, and who finds most without telling them apart. */
function localization({ ranking, budget }: ReportData): Html[] {
  const competing = ranking.filter((row) => row.access === "clean" && row.budget === budget && !row.baseline);
  const ranked = competing.filter(({ rank }) => rank !== null);
  const [leader] = ranked;
  if (leader === undefined) {
    if (competing.length === 0) return [];
    return [html`<li><b>Localization.</b> No criterion judged defects and their shams yet, so none is ranked.</li>`];
  }
  const clear = excludesZero(leader.difference) && leader.difference!.value > 0;
  const lines = [
    clear
      ? html`<li><b>Localization.</b> <code>${leader.criterion}</code> tells the backdoor from mere tuning best: WJI ${sides(leader)}, over
${over(leader)}.</li>`
      : html`<li><b>Localization.</b> No criterion finds clearly more on infected models than on their shams. The largest difference is
that of <code>${leader.criterion}</code>: WJI ${sides(leader)}, over ${over(leader)}.</li>`,
  ];
  const highest = ranked.reduce((best, row) => (row.infected! > best.infected! ? row : best));
  if (highest.infected! > leader.infected!) {
    lines.push(html`<li><b>Tuning or backdoor?</b> <code>${highest.criterion}</code> (rank ${highest.rank}) finds most on infected models: WJI
${sides(highest)}. What it finds as well on the shams is that neurons were tuned, not that they carry a backdoor.</li>`);
  }
  const apart = competing.filter(({ rank }) => rank === null);
  if (apart.length > 0) {
    lines.push(html`<li><b>Not ranked</b>, as they judged other defects than the rest:
${apart.map(({ criterion, defects }, i) => html`${i > 0 && ", "}<code>${criterion}</code> (${count(defects, "defect")})`)}.</li>`);
  }
  return lines;
}

function sides({ infected, sham, difference }: RankedCriterion): Html {
  return html`${cellText(infected, "rate")} on infected models, ${cellText(sham, "rate")} on shams, difference <b>${cellText(difference, "estimate")}</b>`;
}

function over({ defects, models }: { defects: number; models: number }): string {
  return `${count(defects, "defect")} of ${count(models, "clean model")}`;
}

export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** One method: the true set, the best that a criterion chose, and chance, on the same defects. */
function repair(paired: PairedRepairs): Html[] {
  const oracle = paired.ways.find(({ using }) => using === "oracle");
  if (!oracle) return [];
  const random = paired.ways.find(({ using }) => using === "random");
  const [chosen] = paired.ways
    .filter(({ access }) => access === "clean")
    .sort((a, b) => b.asrd.value - b.cad.value - (a.asrd.value - a.cad.value));
  const gain = ({ asrd, cad }: typeof oracle) =>
    html`${cellText(asrd.value, "rate")} of attack success for ${cellText(cad.value, "rate")} of accuracy`;
  return [
    html`<li><b>Repair by <code>${paired.method}</code></b>, ${paired.defects === 1 ? "on one defect" : `over the same ${over(paired)}`}: the infected neurons themselves take away
${gain(oracle)}${
  chosen &&
  html`; those chosen by <code>${chosen.using}</code>, the best balance among the criteria that see clean samples, ${gain(chosen)}`
}${random && html`; as many at random, ${gain(random)}`}.</li>`,
  ];
}
