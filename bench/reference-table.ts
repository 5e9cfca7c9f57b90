/**
 * The table of docs/inspect.md: how well each criterion's statistic tells the shipped reference's infected models from
 * its shams and clean models. Prints Markdown.
 *
 *     npx tsx bench/reference-table.ts
 */
import { CRITERIA } from "../src/localize/registry.ts";
import { openReference } from "../src/pipeline/own/reference.ts";
import type { Reference, ReferenceModel } from "../src/records/reference.ts";
import { tableMarkdown } from "../src/report/tables.ts";
import { auroc } from "../src/score/ranking.ts";
import { SAMPLE_DIR } from "../src/store/shipped/sample.ts";

/** On this one the general statistic was chosen. */
const CHOSEN_ON = "cifar10";

/** One row a criterion, in the registry's order: AUROC of infected models against others. */
export function referenceTable({ criteria, models }: Reference): string {
  const told = (criterion: string, against: string, counts: (model: ReferenceModel) => boolean) => {
    const judged = models.filter(
      (model) =>
        ["infected", against].includes(model.version) && Object.hasOwn(model.values, criterion) && counts(model),
    );
    return auroc(
      judged.map(({ values }) => values[criterion]),
      judged.map(({ version }) => (version === "infected" ? 1 : 0)),
    );
  };
  const chosen = ({ dataset }: ReferenceModel) => dataset === CHOSEN_ON;
  const rows = [...CRITERIA.keys()]
    .filter((name) => Object.hasOwn(criteria, name))
    .map((criterion) => ({
      criterion,
      statistic: criteria[criterion].statistic,
      shams: told(criterion, "sham", chosen),
      shams_elsewhere: told(criterion, "sham", (model) => !chosen(model)),
      clean: told(criterion, "clean", () => true),
    }));
  return tableMarkdown({
    name: "reference",
    caption: "AUROC of infected models against others by the statistic alone; 0.5 is chance",
    columns: [
      { key: "criterion", title: "criterion", kind: "text" },
      { key: "statistic", title: "statistic", kind: "text" },
      { key: "shams", title: "shams, CIFAR-10", kind: "rate" },
      { key: "shams_elsewhere", title: "shams, CIFAR-100 and GTSRB", kind: "rate" },
      { key: "clean", title: "clean models, all", kind: "rate" },
    ],
    rows,
  });
}

if (process.argv[1]?.endsWith("reference-table.ts")) {
  process.stdout.write(referenceTable(await openReference(SAMPLE_DIR, "short")));
}
