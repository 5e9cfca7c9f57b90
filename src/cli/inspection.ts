import { countNeurons } from "../core/neurons.ts";
import { visible } from "../core/visible.ts";
import type { Finding, NeuronRow } from "../pipeline/own/inspect.ts";
import type { Comparison } from "../pipeline/own/reference.ts";
import type { Reference } from "../records/reference.ts";
import { lineWidth, wrapLines } from "./listing.ts";
import { emitRows } from "./output.ts";

/** Fields of a comparison, with a prefix; null where there is nothing to compare with. */
function counts(comparison: Comparison | null, prefix = ""): Record<string, number | null> {
  const kinds = ["clean", "shams", "infected"] as const;
  return Object.fromEntries(
    kinds.flatMap((kind) => [
      [`${prefix}${kind}`, comparison?.[kind] ?? null],
      [`${prefix}${kind}_as_suspicious`, comparison?.[`${kind}_as_suspicious`] ?? null],
    ]),
  );
}

/** One row a criterion: the statistic of the whole model and what of the reference is as suspicious or more. */
export function summaryRow(finding: Finding, ca: number | null) {
  const { criterion, statistic, value, comparison, sameArch, verdict, localization, seconds } = finding;
  const { trigger } = localization;
  return {
    criterion,
    statistic,
    value,
    ...counts(comparison),
    ...counts(sameArch, "same_arch_"),
    gate: verdict?.gate ?? null,
    passes: verdict?.passes ?? null,
    clean_passing: verdict?.reference?.clean_as_suspicious ?? null,
    shams_passing: verdict?.reference?.shams_as_suspicious ?? null,
    infected_passing: verdict?.reference?.infected_as_suspicious ?? null,
    named: countNeurons(localization.native),
    target: trigger?.target ?? null,
    flagged: trigger?.flagged ?? null,
    trigger_pixels: trigger?.norms.get(trigger.target) ?? null,
    ca,
    note: localization.note ?? null,
    seconds,
  };
}

/** What to say where nothing is known of other models of the kind. */
export const NOTHING_USUAL =
  "Not proven: every model has a most suspicious neuron, and no reference says yet what is usual of such models.";

/** For people: what each criterion says of a model that no reference has the like of. */
export function printUncompared(rows: readonly ReturnType<typeof summaryRow>[]): void {
  emitRows(
    rows.map(({ criterion, statistic, value, named, seconds }) => ({ criterion, statistic, value, named, seconds })),
    { format: "table" },
  );
  for (const { criterion, note } of rows) if (note !== null) print(`${criterion}: ${note}`);
}

/** For people: whether there is a backdoor at all, by each criterion that has a gate of its own, with its false alarms. */
export function printGates(findings: readonly Finding[]): void {
  const judged = findings.filter(({ verdict }) => verdict !== null);
  if (judged.length === 0)
    print("Is there a backdoor at all? None of these criteria says: nc, attribution and learned do.");
  for (const { criterion, statistic, value, verdict } of judged) {
    const { gate, passes, reference } = verdict!;
    const says = `${criterion}: ${passes ? "a backdoor" : "no backdoor"} (${statistic} ${value?.toFixed(2) ?? "-"}, gate ${gate.toFixed(2)})`;
    print(
      `${says}. ${reference ? falseAlarms(reference) : "No model of the reference was judged by it at this budget: how often it is wrong is not known."}`,
    );
  }
}

function falseAlarms({ clean, shams, infected, ...passing }: Comparison): string {
  const others = clean + shams;
  const alarms = passing.clean_as_suspicious + passing.shams_as_suspicious;
  const found = `It finds one in ${passing.infected_as_suspicious} of ${infected} infected models`;
  return others === 0 ? `${found}.` : `${found}, and falsely in ${alarms} of ${others} clean models and shams.`;
}

/** For people: the same as counts, first over the whole reference, then over the file's own architecture. */
export function printSummary(findings: readonly Finding[], { edition, models }: Reference, arch: string): void {
  const cell = (as: number, of: number) => (of > 0 ? `${as} of ${of}` : "-");
  const row = ({ criterion, value }: Finding, reference: string, c: Comparison | null) => ({
    criterion,
    value,
    reference,
    clean: c ? cell(c.clean_as_suspicious, c.clean) : "-",
    shams: c ? cell(c.shams_as_suspicious, c.shams) : "-",
    infected: c ? cell(c.infected_as_suspicious, c.infected) : "-",
  });
  const rows = findings.flatMap((finding) => [
    row(finding, "all", finding.comparison),
    ...(finding.sameArch ? [row(finding, arch, finding.sameArch)] : []),
  ]);
  emitRows(rows, { format: "table" }, { more: "--format json" });
  print(`Counts: models of the reference '${edition}' whose value is as large or larger.`);
  print("Shams were tuned like the infected models and taught no backdoor: what shams reach, tuning alone reaches.");
  if (models.length > 0 && !models.some((model) => model.arch === arch)) {
    const archs = [...new Set(models.map((model) => model.arch))].sort();
    print(`None of its ${models.length} models is a ${arch} (they are ${archs.join(", ")}): compare with care.`);
  }
}

/** What this project's own criteria say of the model: they have no row in the reference yet. */
export function printVerdicts(findings: readonly Finding[]): void {
  for (const { criterion, kind, localization } of findings) {
    if (kind === "own" && localization.note !== undefined) print(`${criterion}: ${localization.note}`);
  }
}

/** What a criterion's reversed trigger says. */
export function printTrigger(finding: Finding, classes: readonly string[] | null, picture: string | null): void {
  const { trigger } = finding.localization;
  if (!trigger) return;
  const { target, anomaly, flagged, norms } = trigger;
  const name = classes?.[target] === undefined ? "" : ` (${classes[target]})`;
  const what = flagged ? "suspected target class" : "no class stands out; the smallest patch leads to class";
  const pixels = norms.get(target)!.toFixed(1);
  print(
    `${finding.criterion}: ${what} ${target}${name}: ${pixels} pixels, anomaly index ${anomaly.toFixed(1)} (over 2: flagged)`,
  );
  if (picture !== null) print(`${finding.criterion}: reversed trigger: ${picture}`);
}

/** The most suspicious neurons of every criterion, by layer. */
export function printNeurons(rows: readonly NeuronRow[], top: number): void {
  const lines = new Map<string, { criterion: string; layer: string; neurons: string[] }>();
  for (const { criterion, neuron, score, native, rank } of rows) {
    if (rank > top) continue;
    const at = neuron.lastIndexOf(":");
    const layer = neuron.slice(0, at);
    const key = `${criterion} ${layer}`;
    const line = lines.get(key) ?? { criterion, layer, neurons: [] };
    line.neurons.push(`${neuron.slice(at + 1)}${native ? "*" : ""} (${score.toFixed(2)})`);
    lines.set(key, line);
  }
  emitRows(
    [...lines.values()].map(({ neurons, ...line }) => ({ ...line, "neurons (score)": neurons.join(" ") })),
    { format: "table" },
    { text: "neurons (score)", wrapped: true },
  );
  print("* named by the criterion itself");
}

/** Prose on stdout, in lines that fit. */
export function print(line: string): void {
  process.stdout.write(`${wrapLines(visible(line), lineWidth())}\n`);
}
