import { Command, Option } from "commander";
import { formatOption } from "../src/cli/options.ts";
import type { Format } from "../src/cli/output.ts";
import type { TextDataset } from "../src/tasks/language/dataset.ts";
import { DATASETS } from "../src/tasks/language/datasets/registry.ts";

/** What every bench program on a data set of texts is told. */
export interface TextOptions {
  dataset: string;
  data: string;
  format: Format;
}

/** A bench program on texts, with the options that all of them have. */
export function textProgram(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(new Option("--dataset <name>", "texts").choices([...DATASETS.keys()]).default("glosses"))
    .option("--data <folder>", "where further data sets lie", process.env.BDEFECTS_DATA ?? "data")
    .addOption(formatOption());
}

export async function loadTexts({ dataset, data }: TextOptions): Promise<TextDataset> {
  return (await DATASETS.get(dataset)!.load({ dataDir: data, seed: 1 })) as TextDataset;
}
