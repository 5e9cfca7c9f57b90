import { InputError } from "../core/errors.ts";
import { oneLine } from "../core/visible.ts";
import { withCellProgress } from "./cell-progress.ts";
import type { Listing } from "./listing.ts";
import type { SharedOptions } from "./options.ts";
import { emitRows, type OutputOptions, warn } from "./output.ts";
import { knownDataDir, type OwnOptions } from "./own-options.ts";

/** What `repair` takes where it is about a file. */
export type RepairFileOptions = Pick<SharedOptions, "seed" | "budget" | "device"> &
  OutputOptions &
  OwnOptions & { method?: string[]; using: string[]; test?: string; k?: number; out?: string; pluginTimeout?: number };

const LISTING: Listing = { first: ["method", "using", "ca_before", "ca_after", "neurons", "weights"] };

/** Repairs a network of one's own and writes the repaired weights. */
export async function repairFile(file: string, options: RepairFileOptions): Promise<void> {
  const { data, out } = options;
  if (out === undefined) throw new InputError("--out: name a folder for the repaired weights");
  const { REPAIRS } = await import("../repair/registry.ts");
  const { assertApplicable } = await import("../pipeline/judging/applicable.ts");
  const { methodsNamed } = await import("../pipeline/judging/methods.ts");
  const { useDevice } = await import("../pipeline/device/device.ts");
  const { chanceWarning, withOwn } = await import("../pipeline/own/open.ts");
  const { repairModel } = await import("../pipeline/own/repair.ts");
  const { refuseExisting, repairStem, saveRepairs } = await import("../pipeline/own/save-repair.ts");
  const { criterionOfFiles, parseOwnUsing } = await import("../pipeline/own/using.ts");
  const hasImages = data !== undefined;
  const methods = methodsNamed(options.method ?? REPAIRS.keys(), { timeout: options.pluginTimeout });
  const needy = methods.find(({ name }) => name !== "prune");
  if (!hasImages && needy) throw new InputError(`--method ${needy.name}: needs clean images; name them with --data`);
  if (options.test !== undefined && !hasImages) throw new InputError("--test: belongs to --data");
  const usings = [...new Set(options.using)].map((text) => parseOwnUsing(text, criterionOfFiles(hasImages)));
  const stemOf = (method: string, using: string) => repairStem(file, out, method, using);
  refuseExisting(methods.flatMap(({ name }) => usings.map((using) => stemOf(name, using.name))));
  await useDevice(options.device);
  const rows = await withOwn({ ...options, file, dataDir: knownDataDir(), holdOut: true }, async (own) => {
    const { model, images, normalizationSource } = own;
    const chosen = usings.flatMap((using) => (using.kind === "criterion" ? [using.criterion] : []));
    assertApplicable(chosen, model.network, model.task, file, "--using");
    for (const note of [...model.notes, ...(images?.notes ?? [])]) process.stderr.write(`${oneLine(note)}\n`);
    const { mean, std } = model.normalization;
    if (images) process.stderr.write(`mean ${mean.join(", ")}; std ${std.join(", ")} (${normalizationSource})\n`);
    const repairs = await withCellProgress((progress) => repairModel(own, methods, usings, { ...options, progress }));
    const [{ ca_before }] = repairs;
    const warning = ca_before === null ? null : chanceWarning(ca_before, model);
    if (warning !== null) warn(warning);
    for (const { method, using, neurons, note } of repairs) {
      if (note !== undefined) process.stderr.write(`${oneLine(`${method} by ${using}: ${note}`)}\n`);
      else if (neurons.length === 0) warn(`${using} names no neuron: ${method} leaves the weights as they are`);
    }
    const named = repairs.map((repair) => ({ stem: stemOf(repair.method, repair.using), repair }));
    const files = await saveRepairs(model, out, named);
    return repairs.map(({ state: _, neurons, ca_before, ca_after, ...rest }, i) => {
      const cad = ca_before === null || ca_after === null ? null : ca_before - ca_after;
      return { file, ...rest, neurons: neurons.length, ca_before, ca_after, cad, ...files[i] };
    });
  });
  emitRows(rows, options, LISTING);
}
