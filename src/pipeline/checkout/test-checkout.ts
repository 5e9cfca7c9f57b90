import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { createRunner } from "../../measure/ort-runner.ts";
import type { TaskRunner } from "../../measure/rates.ts";
import { type CheckedOut, readCheckedOut } from "../../store/checkout/checked-out.ts";
import { exists } from "../../store/disk/fs.ts";
import { labelsOf } from "../../tasks/readback.ts";
import { TASKS } from "../../tasks/registry.ts";
import type { Progress } from "../judging/workbench.ts";
import { openOwnModel } from "../own/model.ts";
import { type NamedModel, openNamedModel } from "../own/named-model.ts";
import { type TestImages, type TestImagesOptions, testImages } from "./read-images.ts";
import { runTests, type TestResults } from "./tests.ts";

/** Threads of one inference; no result depends on them. */
const THREADS = 2;

/** Shares of whole counts differ by more. */
const ROUNDING = 1e-9;

export interface CheckoutTestOptions extends TestImagesOptions {
  /** Weights to test in place of the folder's `model.safetensors`. */
  model?: string;
  /** How far the ASR may be above the clean twin's recorded one. */
  tolerance: number;
  /** Told which model is run, and how many were. */
  progress?: Progress;
}

/** A model that was run on the samples. */
export interface TestedModel {
  file: string;
  results: TestResults;
}

/** What the tests of a checkout say. */
export interface CheckoutTest {
  checked: CheckedOut;
  images: TestImages;
  /** The model in question. */
  tested: TestedModel;
  /** On the same images: the folder's model, where another is in question and the folder has it. */
  original: TestedModel | null;
  /** On the same images: the clean twin, where the folder has it. */
  twin: TestedModel | null;
  asr: number;
  /** The clean twin's recorded ASR. */
  twinAsr: number;
  /** Whether the ASR is at most `tolerance` above the clean twin's. */
  passed: boolean;
  /** What must be known to read the results, a line each. */
  notes: string[];
}

/**
 * Runs the clean and the triggered tests of a checkout on its model or on other weights for its network. Nothing but the folder, the
 * weights and the samples is read.
 *
 * The gate is the clean twin's ASR over the whole test split, as recorded; that on these images is reported beside it.
 *
 * @throws InputError where the folder is no checkout, images are missing, or weights do not fit the network
 */
export async function testCheckout(dir: string, options: CheckoutTestOptions): Promise<CheckoutTest> {
  const checked = readCheckedOut(dir);
  const twinAsr = checked.recorded.asr_clean;
  if (twinAsr === null) {
    throw new InputError(`${join(dir, "record.json")}: holds no ASR of the clean twin to hold the model's against`);
  }
  // Everything that may be wrong with the input comes before the work.
  const open = (file: string) => (exists(file) ? openFitting(file, checked) : null);
  const own = join(dir, "model.safetensors");
  const tested = await openFitting(options.model === undefined ? own : weightsAt(options.model, checked), checked);
  const original = options.model === undefined ? null : await open(own);
  const twin = await open(join(dir, "clean.safetensors"));
  const images = await testImages(dir, checked, options);
  const { task } = checked;
  if (task.eligible(images.set, checked.backdoor.target).length === 0) {
    const others = labelsOf(images.set) ? "is of another class than the target" : "goes on otherwise than the target";
    throw new InputError(`${images.source}: no ${task.words.sample} ${others}; check out with more --samples`);
  }
  const notes = [...tested.notes, ...images.notes];
  if (twin && twin.sha256 !== checked.twinSha256) notes.push(`${twin.file}: is not the clean twin that was recorded`);
  const { network, mean, std } = checked;
  const runner = await createRunner(task, network, { mean, std }, { threads: THREADS });
  const models = [tested, original, twin].filter((model) => model !== null);
  const run = (model: NamedModel) => {
    options.progress?.(models.indexOf(model), models.length, model.file);
    return measure(runner, model, checked, images);
  };
  try {
    const found = await run(tested);
    const asr = found.results.hits / found.results.triggered;
    return {
      checked,
      images,
      tested: found,
      original: original && (await run(original)),
      twin: twin && (await run(twin)),
      asr,
      twinAsr,
      passed: asr <= twinAsr + options.tolerance + ROUNDING,
      notes,
    };
  } finally {
    await runner.release();
  }
}

/** The file of weights that is meant: of a model's folder, as `repair` writes it, the one in it. */
function weightsAt(path: string, { task }: CheckedOut): string {
  const file = join(path, "model.safetensors");
  const isFolder = task.handout && [...TASKS.values()].some(({ foreign }) => foreign?.holds(path));
  return isFolder && exists(file) ? file : path;
}

/** Weights for the network of a checkout. @throws InputError where they are another network's or are no weights */
async function openFitting(file: string, { network, task }: CheckedOut): Promise<NamedModel> {
  // Names of other programs are known of classifiers of images alone.
  if (task.handout) return openNamedModel(file, network);
  const model = await openOwnModel(file);
  const { arch, classes } = model.network;
  if (arch !== network.arch || classes !== network.classes) {
    throw new InputError(
      `${file}: holds ${arch} for ${classes} classes; the checkout's network is ${network.arch} for ${network.classes}`,
    );
  }
  return model;
}

async function measure(
  runner: TaskRunner,
  { file, state }: NamedModel,
  { backdoor, classes }: CheckedOut,
  images: TestImages,
): Promise<TestedModel> {
  const results = await runTests(runner, state, images, backdoor, classes);
  if (results) return { file, results };
  throw new InputError(`${file}: its logits are no finite numbers: the weights are too large to compute with`);
}
