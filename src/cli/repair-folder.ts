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

/** What is done where no method is named: a layer is in memory at a time. */
const USUAL = "prune";
/** What else can be done to a model in a folder: training of the named neurons, for which all of it is. */
const TRAINING = ["finetune", "finetune-reinit"];
/** Samples that are trained on at most. */
const MOST_TRAINED = 1024;

const LISTING: Listing = {
  first: ["using", "folder", "ca_before", "ca_after", "perplexity_before", "perplexity_after", "neurons", "method"],
};

/** Repairs a model of a task whose models come as folders, and writes it as a new one. */
export async function repairFolder(
  path: string,
  task: string,
  options: RepairFileOptions & FolderModelOptions,
): Promise<void> {
  const { data, test, out, seed, k } = options;
  if (out === undefined) throw new InputError("--out: name a folder for the repaired model");
  const names = [...new Set(options.method ?? [USUAL])];
  const other = names.find((name) => name !== USUAL && !TRAINING.includes(name));
  if (other !== undefined) {
    throw new InputError(
      `--method ${other}: cannot repair a model in a folder; valid are ${[USUAL, ...TRAINING].join(", ")}`,
    );
  }
  const { REPAIRS } = await import("../repair/registry.ts");
  const methods = names.map((name) => REPAIRS.get(name)!);
  const { assertMemory, assertTrainable, folderCriteria } = await import("../pipeline/own/inspect-folder.ts");
  const { FinishedSteps } = await import("../pipeline/own/finished-steps.ts");
  const { chosenIn, folderMadeFrom, repairModelFolder } = await import("../pipeline/own/repair-folder.ts");
  const saving = await import("../pipeline/own/save-folder.ts");
  const { assertCounted, assertLists, parseOwnUsing } = await import("../pipeline/own/using.ts");
  const { TASKS } = await import("../tasks/registry.ts");
  const { memoryLimit } = await import("../pipeline/estimate/memory-limit.ts");
  const usings = [...new Set(options.using)].map((text) =>
    parseOwnUsing(text, (name) => folderCriteria([name], "--using")[0]),
  );
  assertCounted(usings, k);
  const pairs = usings.flatMap((using) =>
    methods.map((method) => ({ method, using, folder: saving.repairedFolder(path, out, method.name, using.name) })),
  );
  const steps = new FinishedSteps(saving.unfinishedFolder(path, out));
  saving.refuseOthers(pairs.map(({ folder }) => folder));
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
  const isTrained = names.some((name) => name !== USUAL);
  const others = { ...wanted, most: MOST_TRAINED, ...(test === undefined && { part: "others" as const }) };
  const training = isTrained ? { task: TASKS.get(task)!, whole: model.whole(data, others) } : null;
  const memory = options.memory ?? memoryLimit() / 2;
  if (training) assertTrainable(training.whole, memory);
  for (const read of [samples, kept]) assertMemory(model, read, memory);
  const tell = (line: string) => process.stderr.write(`${oneLine(line)}\n`);
  for (const line of [...model.about, ...model.notes]) tell(line);
  if (training) tell(`trained on ${training.whole.title}`);
  tell(`measured on ${kept.title}`);
  const job = { model, samples, kept, training, seed, k };
  const places = pairs.map((pair) => ({ ...pair, made: folderMadeFrom(job, pair.method, pair.using, chosen) }));
  const done = new Map<string, FolderFacts>();
  for (const { folder, made } of places) {
    const found = saving.finishedFolder(folder, made);
    if (found) done.set(folder, found);
  }
  tellTakenUp(done.size, places.length, out);
  const left = places.filter(({ folder }) => !done.has(folder));
  await resumable(() =>
    withCellProgress(async (progress) => {
      if (left.length === 0) return;
      for await (const repair of repairModelFolder(job, chosen, left, { memory, steps, progress })) {
        const { model: repaired, ...rest } = repair;
        const { folder, made } = places.find(
          ({ method, using }) => method.name === rest.method && using.name === rest.using,
        )!;
        const facts = { file: path, arch: model.arch, ...rest, made_from: made };
        done.set(folder, await saving.saveFolder(folder, repaired, facts));
      }
    }, "layers"),
  );
  steps.forget();
  const rows = places.map(({ folder, method, using }) => {
    const { weights_sha256: _, made_from: __, neurons, ...facts } = done.get(folder)!;
    if (neurons.length === 0) warn(`${using.name} names no neuron: ${method.name} leaves the weights as they are`);
    const { ca_before: before, ca_after: after } = facts;
    const cad = before === null || after === null ? null : before - after;
    return { ...facts, file: path, neurons: neurons.length, cad, folder };
  });
  emitRows(rows, options, LISTING);
}
