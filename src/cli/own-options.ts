import { Option } from "commander";
import { InputError } from "../core/errors.ts";
import { defaultDataDir } from "../files/user-cache.ts";
import { SAMPLE, SAMPLE_DIR } from "../store/shipped/sample.ts";
import { memorySize, wholeNumber } from "./arguments.ts";

/** What verbs on a network of one's own take beside the shared options. */
export interface OwnOptions {
  data?: string;
  key?: string;
  arch?: string;
  classes?: number;
  mean?: number[];
  std?: number[];
}

/** `--data WHAT`: clean samples, as their owner has them. */
export function imagesOption(): Option {
  return new Option(
    "--data <what>",
    "clean samples. Images with labels: a folder of class folders, a .npy or .npz, a known data set's folder or name. For a language model texts: a table, a file of lines, a folder with test.tsv, or a known data set's name",
  );
}

/** What cannot always be told from the file. */
export function modelOptions(): Option[] {
  return [
    new Option("--key <keys>", "which of several networks in the file, e.g. state_dict_ema or state_dict.model"),
    new Option("--arch <name>", "the architecture, where it cannot be told from names and shapes"),
    new Option("--classes <n>", "how many classes, where that cannot be told").argParser(
      wholeNumber("--classes", 2, 256),
    ),
    new Option("--mean <r,g,b>", "mean of the pixels on the scale from 0 to 1").argParser(numbers("--mean")),
    new Option("--std <r,g,b>", "standard deviation of the pixels on that scale").argParser(numbers("--std")),
  ];
}

/** What models in folders take besides. */
export interface FolderModelOptions {
  memory?: number;
  template?: string;
  answers?: string;
}

/** Of these the first that was given; `undefined` where none was. */
export function folderOptionIn(options: FolderModelOptions): string | undefined {
  return (["memory", "template", "answers"] as const).find((name) => options[name] !== undefined);
}

/** `--memory`, `--template` and `--answers`. */
export function folderModelOptions(): Option[] {
  return [
    new Option("--memory <size>", "what a folder's model may take, e.g. 2G (default: half of what is here)").argParser(
      memorySize("--memory"),
    ),
    new Option("--template <text>", "how a language model is asked for a text's label, e.g. 'Message: {}. Sentiment:'"),
    new Option("--answers <words>", "its answers in the order of the labels, e.g. ' Negative, Positive'"),
  ];
}

/** `--db DB`: the reference, the shipped sample unless another is named. */
export function referenceOption(): Option {
  return new Option("--db <dir>", "the database whose stored predictions are the reference")
    .default(SAMPLE_DIR, SAMPLE)
    .argParser((text) => (text === SAMPLE ? SAMPLE_DIR : text));
}

/** Where a known data set lies that is given by its name. */
export function knownDataDir(): string {
  return process.env.BDEFECTS_DATA || defaultDataDir();
}

function numbers(flag: string): (text: string) => number[] {
  return (text) => {
    const values = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
    if (values.every(Number.isFinite)) return values;
    throw new InputError(`${flag} '${text}': give one number or three, separated by commas, e.g. 0.49,0.48,0.45`);
  };
}
