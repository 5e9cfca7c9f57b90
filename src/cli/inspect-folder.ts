import type { Budget } from "../core/budget.ts";
import { oneLine } from "../core/visible.ts";
import { withCellProgress } from "./cell-progress.ts";
import { foreignModels, promptOf, SAMPLES } from "./folder-models.ts";
import { NOTHING_USUAL, print, printNeurons, printUncompared, summaryRow } from "./inspection.ts";
import { emitRows, type OutputOptions, warn } from "./output.ts";
import type { FolderModelOptions } from "./own-options.ts";

export interface FolderOptions extends Pick<OutputOptions, "format">, FolderModelOptions {
  task: string;
  data?: string;
  dataDir: string;
  criterion?: string[];
  budget: Budget;
  seed: number;
  top: number;
  summary?: boolean;
  out?: string;
}

/** Looks at a model of a task whose models come as folders. */
export async function inspectModelFolder(folder: string, options: FolderOptions): Promise<void> {
  const { format, task, data, dataDir, seed, top, summary } = options;
  const foreign = foreignModels(task);
  const { assertMemory, folderCriteria, gigabytes, inspectFolder } = await import("../pipeline/own/inspect-folder.ts");
  const { rowsOfLayers } = await import("../pipeline/own/inspect.ts");
  const { assertInspectionFolder } = await import("../pipeline/own/inspection-folder.ts");
  const { saveInspection } = await import("../pipeline/own/save-inspection.ts");
  const { memoryLimit } = await import("../pipeline/estimate/memory-limit.ts");
  const { peakMemory } = await import("../pipeline/estimate/peak-memory.ts");
  const criteria = folderCriteria(options.criterion);
  if (options.out !== undefined) assertInspectionFolder(options.out, "--out ");
  const say = (line: string) => (format === "table" ? print(line) : process.stderr.write(`${oneLine(line)}\n`));
  const model = foreign.open(folder);
  const wanted = { dataDir, seed, most: SAMPLES[options.budget], prompt: promptOf(options) };
  const isRead = wanted.prompt !== undefined || criteria.some(({ needsData }) => needsData);
  const samples = isRead ? model.samples(data, wanted) : null;
  if (data !== undefined && !samples) warn(`--data ${data}: is not read, since no criterion asked for needs samples`);
  const memory = options.memory ?? memoryLimit() / 2;
  assertMemory(model, samples, memory);
  for (const line of [...model.about, ...model.notes]) say(line);
  const { findings, read } = await withCellProgress(
    (progress) => inspectFolder(model, samples, criteria, { memory, progress }),
    "layers",
  );
  if (samples) say(samples.title);
  for (const line of read?.lines ?? []) say(line);
  if (read?.warning !== undefined) warn(read.warning);
  say(`memory: ${gigabytes(peakMemory())} used at most, of ${gigabytes(memory)} allowed`);
  const layerName = (layer: string) => model.layerName(layer);
  const neurons = findings.flatMap((found) => rowsOfLayers(model.layers, layerName, found));
  const rows = findings.map((found) => summaryRow(found, read?.quality ?? null));
  if (options.out !== undefined) saveInspection(options.out, { summary: rows, neurons });
  if (format !== "table") {
    emitRows(
      (summary ? rows : neurons).map((row) => ({ ...row })),
      format,
    );
  } else {
    printUncompared(rows);
    if (!summary) printNeurons(neurons, top);
  }
  say(NOTHING_USUAL);
}
