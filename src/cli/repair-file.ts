import { InputError } from "../core/errors.ts";
import { oneLine } from "../core/visible.ts";
import type { RepairFacts } from "../pipeline/own/save-repair.ts";
import type { OwnUsing } from "../pipeline/own/using.ts";
import type { Repair } from "../repair/types.ts";
import { withCellProgress } from "./cell-progress.ts";
import type { Listing } from "./listing.ts";
import type { SharedOptions } from "./options.ts";
import { emitRows, type OutputOptions, warn } from "./output.ts";
import { knownDataDir, type OwnOptions } from "./own-options.ts";
import { resumable } from "./resumable.ts";

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
  const { FinishedSteps } = await import("../pipeline/own/finished-steps.ts");
  const { ownMadeFrom, repairModel } = await import("../pipeline/own/repair.ts");
  const saving = await import("../pipeline/own/save-repair.ts");
  const { readBytes } = await import("../store/disk/fs.ts");
  const { sha256Of } = await import("../store/objects/objects.ts");
  const { assertCounted, criterionOfFiles, parseOwnUsing } = await import("../pipeline/own/using.ts");
  const hasImages = data !== undefined;
  const methods = methodsNamed(options.method ?? REPAIRS.keys(), { timeout: options.pluginTimeout });
  const needy = methods.find(({ name }) => name !== "prune");
  if (!hasImages && needy) throw new InputError(needsImages(needy.name, options.method !== undefined));
  if (options.test !== undefined && !hasImages) throw new InputError("--test: belongs to --data");
  const usings = [...new Set(options.using)].map((text) => parseOwnUsing(text, criterionOfFiles(hasImages)));
  assertCounted(usings, options.k);
  const pairs = usings.flatMap((using) =>
    methods.map((method) => ({ method, using, stem: saving.repairStem(file, out, method.name, using.name) })),
  );
  const steps = new FinishedSteps(saving.unfinishedSteps(file, out));
  saving.refuseOthers(pairs.map(({ stem }) => stem));
  await useDevice(options.device);
  const rows = await withOwn({ ...options, file, dataDir: knownDataDir(), holdOut: true }, async (own) => {
    const { model, images, normalizationSource } = own;
    const chosen = usings.flatMap((using) => (using.kind === "criterion" ? [using.criterion] : []));
    assertApplicable(chosen, model.network, model.task, file, "--using");
    for (const note of [...model.notes, ...(images?.notes ?? [])]) process.stderr.write(`${oneLine(note)}\n`);
    const { mean, std } = model.normalization;
    if (images) process.stderr.write(`mean ${mean.join(", ")}; std ${std.join(", ")} (${normalizationSource})\n`);
    const { seed, budget, k } = options;
    const job = { own, fileSha256: sha256Of(readBytes(file)), seed, budget, k };
    const places = pairs.map((pair) => ({ ...pair, made: ownMadeFrom(job, pair.method, pair.using) }));
    const done = new Map<string, RepairFacts>();
    for (const { stem, made } of places) {
      const found = saving.finishedRepair(stem, made);
      if (found) done.set(stem, found);
    }
    tellTakenUp(done.size, places.length, out);
    const placeOf = (method: string, using: string) =>
      places.find((place) => place.method.name === method && place.using.name === using)!;
    const isWanted = (method: Repair, using: OwnUsing) => !done.has(placeOf(method.name, using.name).stem);
    if (done.size < places.length) {
      await resumable(() =>
        withCellProgress(async (progress) => {
          for await (const repair of repairModel(job, methods, usings, { isWanted, steps, progress })) {
            const { stem, made } = placeOf(repair.method, repair.using);
            done.set(stem, await saving.saveRepair(model, stem, repair, made));
          }
        }),
      );
    }
    steps.forget();
    const repairs = places.map(({ stem }) => ({ stem, ...done.get(stem)! }));
    const [{ ca_before }] = repairs;
    const warning = ca_before === null ? null : chanceWarning(ca_before, model);
    if (warning !== null) warn(warning);
    for (const { method, using, neurons, note } of repairs) {
      if (note !== undefined) process.stderr.write(`${oneLine(`${method} by ${using}: ${note}`)}\n`);
      else if (neurons.length === 0) warn(`${using} names no neuron: ${method} leaves the weights as they are`);
    }
    return repairs.map((repair) => {
      const {
        stem,
        neurons,
        ca_before,
        ca_after,
        made_from: _,
        weights_sha256: __,
        onnx_sha256: ___,
        ...rest
      } = repair;
      const cad = ca_before === null || ca_after === null ? null : ca_before - ca_after;
      const files = { weights: `${stem}.safetensors`, onnx: `${stem}.onnx` };
      return { ...rest, file, neurons: neurons.length, ca_before, ca_after, cad, ...files };
    });
  });
  emitRows(rows, options, LISTING);
}

/** Says on stderr what needs not be made again. */
export function tellTakenUp(done: number, total: number, out: string): void {
  if (done > 0) process.stderr.write(`${oneLine(`${done} of ${total} are in ${out} already, made by this command`)}\n`);
}

/** Whoever named no method did not ask for the one that needs images. */
function needsImages(method: string, isNamed: boolean): string {
  if (isNamed) return `--method ${method}: needs clean images; name them with --data`;
  return `--method: without it all repairs run, and '${method}' needs clean images; name them with --data, or give --method prune`;
}
