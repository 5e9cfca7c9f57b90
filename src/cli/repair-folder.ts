import { InputError } from "../core/errors.ts";
import { oneLine } from "../core/visible.ts";
import type { FolderFacts } from "../pipeline/own/save-folder.ts";
import { withCellProgress } from "./cell-progress.ts";
import { foreignModels, promptOf, SAMPLES } from "./folder-models.ts";
import type { Listing } from "./listing.ts";
import { emitRows, warn } from "./output.ts";
import { type FolderModelOptions, knownDataDir } from "./own-options.ts";
import { type RepairFileOptions, tellTakenUp } from "./repair-file.ts";
import { resumable } from "./resumable.ts";

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
  const { FinishedSteps } = await import("../pipeline/own/finished-steps.ts");
  const { chosenIn, folderMadeFrom, repairModelFolder } = await import("../pipeline/own/repair-folder.ts");
  const saving = await import("../pipeline/own/save-folder.ts");
  const { assertCounted, assertLists, parseOwnUsing } = await import("../pipeline/own/using.ts");
  const { memoryLimit } = await import("../pipeline/estimate/memory-limit.ts");
  const usings = [...new Set(options.using)].map((text) =>
    parseOwnUsing(text, (name) => folderCriteria([name], "--using")[0]),
  );
  assertCounted(usings, k);
  const folderOf = (using: string) => saving.repairedFolder(path, out, METHOD, using);
  const steps = new FinishedSteps(saving.unfinishedFolder(path, out));
  saving.refuseOthers(usings.map(({ name }) => folderOf(name)));
  const model = foreignModels(task).open(path);
  const chosen = chosenIn(model);
  assertLists(usings, chosen);
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
  const job = { model, samples, kept, seed, k };
  const madeFrom = new Map(usings.map((using) => [using.name, folderMadeFrom(job, using, chosen)]));
  const done = new Map<string, FolderFacts>();
  for (const [using, from] of madeFrom) {
    const found = saving.finishedFolder(folderOf(using), from);
    if (found) done.set(using, found);
  }
  tellTakenUp(done.size, usings.length, out);
  const left = usings.filter(({ name }) => !done.has(name));
  await resumable(() =>
    withCellProgress(async (progress) => {
      if (left.length === 0) return;
      for await (const repair of repairModelFolder(job, chosen, left, { memory, steps, progress })) {
        const { model: repaired, ...rest } = repair;
        const facts = { file: path, arch: model.arch, method: METHOD, ...rest, made_from: madeFrom.get(rest.using)! };
        done.set(rest.using, await saving.saveFolder(folderOf(rest.using), repaired, facts));
      }
    }, "layers"),
  );
  steps.forget();
  const rows = usings.map(({ name }) => {
    const { weights_sha256: _, made_from: __, neurons, ...facts } = done.get(name)!;
    if (neurons.length === 0) warn(`${name} names no neuron: ${METHOD} leaves the weights as they are`);
    const { ca_before: before, ca_after: after } = facts;
    const cad = before === null || after === null ? null : before - after;
    return { ...facts, file: path, neurons: neurons.length, cad, folder: folderOf(name) };
  });
  emitRows(rows, options, LISTING);
}
