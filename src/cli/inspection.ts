import type { Finding, NeuronRow } from "../pipeline/own/inspect.ts";
import type { Reference } from "../pipeline/own/reference.ts";
import { emitRows } from "./output.ts";

/** One row a criterion: the statistic of the whole model and what of the reference is as suspicious or more. */
export function summaryRow({ criterion, statistic, value, comparison, localization, seconds }: Finding) {
  const { trigger } = localization;
  return {
    criterion,
    statistic,
    value,
    clean: comparison?.clean ?? null,
    clean_as_suspicious: comparison?.clean_as_suspicious ?? null,
    shams: comparison?.shams ?? null,
    shams_as_suspicious: comparison?.shams_as_suspicious ?? null,
    infected: comparison?.infected ?? null,
    infected_as_suspicious: comparison?.infected_as_suspicious ?? null,
    same_arch: comparison?.same_arch ?? null,
    named: Object.values(localization.native).reduce((sum, channels) => sum + channels.length, 0),
    target: trigger?.target ?? null,
    flagged: trigger?.flagged ?? null,
    trigger_pixels: trigger?.norms.get(trigger.target) ?? null,
    note: localization.note ?? null,
    seconds,
  };
}

/** For people: the same as counts. */
export function printSummary(findings: readonly Finding[], { edition, models }: Reference, arch: string): void {
  const counts = (as: number | undefined, of: number | undefined) => (of ? `${as} of ${of}` : "-");
  emitRows(
    findings.map(({ criterion, statistic, value, comparison: c }) => ({
      criterion,
      statistic,
      value,
      clean: counts(c?.clean_as_suspicious, c?.clean),
      shams: counts(c?.shams_as_suspicious, c?.shams),
      infected: counts(c?.infected_as_suspicious, c?.infected),
    })),
    "table",
  );
  const same = models.filter((model) => model.arch === arch).length;
  const archs = [...new Set(models.map((model) => model.arch))].sort();
  print(`Counts: models of the reference '${edition}' that look as suspicious or more.`);
  if (same < models.length) {
    print(`${same} of its ${models.length} models are ${arch}; it holds ${archs.join(", ")}, so compare with care.`);
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
    "table",
  );
  print("* named by the criterion itself");
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
