import { InputError } from "../core/errors.ts";
import { oneLine } from "../core/visible.ts";
import { withCellProgress } from "./cell-progress.ts";
import { foreignModels, promptOf, SAMPLES } from "./folder-models.ts";
import type { Listing } from "./listing.ts";
import { emitRows, warn } from "./output.ts";
import { type FolderModelOptions, knownDataDir } from "./own-options.ts";
import type { RepairFileOptions } from "./repair-file.ts";

/** What can be done to a model of which a layer is in memory at a time. */
const METHOD = "prune";

const LISTING: Listing = {
  first: ["using", "folder", "ca_before", "ca_after", "perplexity_before", "perplexity_after", "neurons", "method"],
};

/** Prunes a model of a task whose models come as folders, and writes it as a new one. */
export async function repairFolder(
  path: string,
  task: string,
  options: RepairFileOptions & FolderModelOptions,
): Promise<void> {
  const { data, test, out, seed, k } = options;
  if (out === undefined) throw new InputError("--out: name a folder for the repaired model");
  const other = options.method?.find((name) => name !== METHOD);
  if (other !== undefined) {
    throw new InputError(
      `--method ${other}: needs gradients and the whole model in memory; of a model in a folder valid is ${METHOD}`,
    );
  }
  const { assertMemory, folderCriteria } = await import("../pipeline/own/inspect-folder.ts");
  const { chosenIn, repairModelFolder } = await import("../pipeline/own/repair-folder.ts");
  const { assertNewFolders, repairedFolder, saveFolder } = await import("../pipeline/own/save-folder.ts");
  const { assertLists, parseOwnUsing } = await import("../pipeline/own/using.ts");
  const { memoryLimit } = await import("../pipeline/estimate/memory-limit.ts");
  const usings = [...new Set(options.using)].map((text) =>
    parseOwnUsing(text, (name) => folderCriteria([name], "--using")[0]),
  );
  const folderOf = (using: string) => repairedFolder(path, out, METHOD, using);
  assertNewFolders(usings.map(({ name }) => folderOf(name)));
  const model = foreignModels(task).open(path);
  assertLists(usings, chosenIn(model));
  const wanted = { dataDir: knownDataDir(), seed, most: SAMPLES[options.budget], prompt: promptOf(options) };
  const isRead = usings.some((using) => using.kind === "criterion" && using.criterion.needsData);
  const samples = isRead ? model.samples(data, { ...wanted, ...(test === undefined && { part: "others" }) }) : null;
  const kept =
    test === undefined
      ? model.samples(data, { ...wanted, part: "kept" })
      : model.samples(test, { ...wanted, option: "--test" });
  const memory = options.memory ?? memoryLimit() / 2;
  for (const read of [samples, kept]) assertMemory(model, read, memory);
  const tell = (line: string) => process.stderr.write(`${oneLine(line)}\n`);
  for (const line of [...model.about, ...model.notes]) tell(line);
  tell(`measured on ${kept.title}`);
  const repairs = await withCellProgress(
    (progress) => repairModelFolder(model, samples, kept, usings, { memory, seed, k, progress }),
    "layers",
  );
  const rows: Record<string, unknown>[] = [];
  for (const { model: repaired, neurons, ...facts } of repairs) {
    if (neurons.length === 0) warn(`${facts.using} names no neuron: ${METHOD} leaves the weights as they are`);
    const folder = folderOf(facts.using);
    const about = { file: path, arch: model.arch, method: METHOD, ...facts };
    await saveFolder(folder, repaired, { ...about, neurons });
    const { ca_before: before, ca_after: after } = facts;
    rows.push({ ...about, neurons: neurons.length, cad: before === null ? null : before - after!, folder });
  }
  emitRows(rows, options, LISTING);
}
