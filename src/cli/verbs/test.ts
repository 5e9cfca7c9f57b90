import { basename } from "node:path";
import type { Command } from "commander";
import { DEFAULT_ASR_TOLERANCE } from "../../core/asr-tolerance.ts";
import { CheckFailed } from "../../core/errors.ts";
import { visible } from "../../core/visible.ts";
import type { CheckoutTest, TestedModel } from "../../pipeline/checkout/test-checkout.ts";
import { fraction } from "../arguments.ts";
import { withCellProgress } from "../cell-progress.ts";
import { dataOption, deviceOption, formatOption, type SharedOptions } from "../options.ts";
import { emitRows, warn } from "../output.ts";
import { addSamplesOption, samplesGiven } from "../samples-option.ts";

type Options = Pick<SharedOptions, "data" | "format" | "device"> & {
  model?: string;
  tolerance: number;
  summary?: boolean;
  long?: boolean;
};

/** The file of the folder's own model. */
const OWN = "model.safetensors";

/** So many failing tests are listed for people. */
const LISTED = 10;

/** A fall of the clean accuracy by more is worth a line: the exit status does not look at it. */
const NOTABLE_FALL = 0.05;

/** Clean and triggered tests on a checked-out folder, or on weights that somebody repaired. */
export function registerTest(program: Command): void {
  const verb = program
    .command("test")
    .argument("<folder>", "a folder that 'checkout' wrote")
    .description("run clean and triggered tests on a checkout, or on repaired weights for it")
    .option(
      "--model <file>",
      "weights to test in place of the folder's model: .safetensors or PyTorch's, of texts also a repaired model's folder",
    );
  addSamplesOption(
    verb,
    "<dir>",
    "a folder with test_clean.npy and test_labels.npy, or test_clean_texts.json (default: the checkout's own); also called --images and --texts",
  );
  verb
    .addOption(dataOption())
    .option(
      "--tolerance <share>",
      "how far the ASR may be above the clean twin's recorded one",
      fraction("--tolerance"),
      DEFAULT_ASR_TOLERANCE,
    )
    .option("--summary", "the rates without the failing tests")
    .option("--long", "list every failing test")
    .addOption(deviceOption())
    .addOption(formatOption())
    .action(async (folder: string, options: Options, command: Command) => {
      const { useDevice } = await import("../../pipeline/device/device.ts");
      const { testCheckout } = await import("../../pipeline/checkout/test-checkout.ts");
      await useDevice(options.device);
      const samples = samplesGiven<string>(verb);
      const dataNamed = command.getOptionValueSource("data") === "cli";
      const test = await withCellProgress((progress) =>
        testCheckout(folder, { ...options, samples, dataNamed, progress }),
      );
      for (const note of test.notes) warn(note);
      if (options.format === "table") printTables(test, options);
      else emitRows([...rateRows(test), ...(options.summary ? [] : failingRows(test))], options.format, FIELDS);
      reportFall(test);
      const verdict = verdictOf(folder, test, options.tolerance);
      if (!test.passed) throw new CheckFailed(verdict);
      process.stderr.write(`${verdict}\n`);
    });
}

/** Of every row; what a row of its kind does not have is null. */
const FIELDS = [
  ...["kind", "model", "source", "images", "right", "ca", "triggered", "hits", "asr", "failing"],
  ...["index", "triggered_index", "label", "label_name", "answer", "answer_name", "confidence"],
];

type Row = Record<string, string | number | null>;

/** The models that were run, then what the record says of the infected model and its clean twin. */
function rateRows({ checked, tested, original, twin }: CheckoutTest): Row[] {
  const measured = [tested, original, twin].flatMap((model) => (model ? [measuredRow(model)] : []));
  const { ca, asr, ca_clean, asr_clean } = checked.recorded;
  return [
    ...measured,
    { kind: "rates", model: "infected", source: "record", ca, asr },
    { kind: "rates", model: "clean twin", source: "record", ca: ca_clean, asr: asr_clean },
  ];
}

function measuredRow({ file, results: { images, right, triggered, hits, failing } }: TestedModel): Row {
  return {
    kind: "rates",
    model: file,
    source: "measured",
    images,
    right,
    ca: right / images,
    triggered,
    hits,
    asr: hits / triggered,
    failing: failing.length,
  };
}

function failingRows({ tested }: CheckoutTest): Row[] {
  return tested.results.failing.map(({ triggeredIndex, labelName, answerName, ...others }) => ({
    kind: "failing",
    model: tested.file,
    triggered_index: triggeredIndex,
    label_name: labelName,
    answer_name: answerName,
    ...others,
  }));
}

function printTables(test: CheckoutTest, { summary, long, model: named }: Options): void {
  const { id, task } = test.checked;
  const say = (line: string) => process.stdout.write(`${visible(line)}\n`);
  const { file, results } = test.tested;
  say(`${id}: ${file} on ${results.images} ${task.words.samples} (${test.images.source})`);
  const rates = rateRows(test).map(({ model, source, ca, right, images, asr, hits, triggered, failing }) => ({
    // The line above has the paths; of two of one name the one in question keeps its own.
    model: named !== undefined && model === file && basename(file) === OWN ? String(model) : basename(String(model)),
    source,
    CA: rateText(ca, right, images),
    ASR: rateText(asr, hits, triggered),
    failing,
  }));
  emitRows(rates, { format: "table", long: true });
  const failing = failingRows(test);
  if (summary || failing.length === 0) return;
  const shown = long ? failing : failing.slice(0, LISTED);
  const rest = failing.length - shown.length;
  say(`failing tests${rest > 0 ? ` (the first ${shown.length} of ${failing.length}; --long lists all)` : ""}:`);
  const hasClasses = failing.some(({ label }) => label !== null);
  const fields = [
    "index",
    ...(hasClasses ? ["label", "label_name", "answer", "answer_name"] : ["answer_name"]),
    "confidence",
    ...(task.reading ? ["text"] : []),
  ];
  emitRows(shown, { format: "table", fields }, fields);
}

function rateText(rate: unknown, count: unknown, of: unknown): string | null {
  if (typeof rate !== "number") return null;
  return count === undefined ? rate.toFixed(3) : `${rate.toFixed(3)} (${count} of ${of})`;
}

function verdictOf(folder: string, { tested, asr, twinAsr, passed }: CheckoutTest, tolerance: number): string {
  const { hits, triggered } = tested.results;
  const than = passed ? "at most" : "more than";
  return `${folder}: ASR ${asr.toFixed(3)} (${hits} of ${triggered}) is ${than} ${tolerance} above the clean twin's recorded ${twinAsr.toFixed(3)}`;
}

/** A network that answers at random has no backdoor either. */
function reportFall({ original, tested }: CheckoutTest): void {
  if (!original) return;
  const [before, now] = [original, tested].map(({ results }) => results.right / results.images);
  if (before - now <= NOTABLE_FALL) return;
  warn(`clean accuracy fell from ${before.toFixed(3)} to ${now.toFixed(3)}: the exit status is about the ASR alone`);
}
