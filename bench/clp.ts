import { Command } from "commander";
import { commaList, wholeNumber } from "../src/cli/arguments.ts";
import { formatOption } from "../src/cli/options.ts";
import { emitRows, type Format } from "../src/cli/output.ts";
import { InputError } from "../src/core/errors.ts";
import { Random } from "../src/core/random.ts";
import type { Suspect } from "../src/localize/types.ts";
import { createRunner } from "../src/measure/ort-runner.ts";
import { initialState } from "../src/models/init.ts";
import { buildNetwork } from "../src/models/registry.ts";
import { findTorchPython } from "../test/torch/find-python.ts";
import { compareOn } from "./parity-case.ts";
import { runBench } from "./run.ts";

/** `npx tsx bench/clp.ts`: CLP's seconds beside PyTorch's on untrained networks of any width, as bench/parity.ts has them. */

interface Options {
  arch?: string[];
  threads: number;
  rounds: number;
  format: Format;
}

const CLASSES = 10;
const ARCHITECTURES = ["resnet18w16", "vgg13w16", "resnet18", "vgg13"];

const program = new Command("clp")
  .description("CLP beside PyTorch on untrained networks")
  .option("--arch <names>", `architectures (default: ${ARCHITECTURES.join(",")})`, commaList("--arch"))
  .option("--threads <n>", "threads of PyTorch; ours has one", wholeNumber("--threads", 1, 64), 1)
  .option("--rounds <n>", "runs of each side, 11 at least", wholeNumber("--rounds", 2, 1000), 11)
  .addOption(formatOption());

await runBench(program, main);

async function main({ arch, threads, rounds, format }: Options): Promise<void> {
  const python = findTorchPython();
  if (!python) throw new InputError("no Python with torch and numpy: name one in BDEFECTS_PYTHON");
  const rows = [];
  for (const name of arch ?? ARCHITECTURES) {
    const options = { criteria: ["clp"], budget: "short" as const, seed: 1, rounds, threads, python: python.command };
    for (const row of await compareOn(await untrained(name), options)) {
      rows.push({ arch: name, torch: python.torch, ...row });
    }
  }
  emitRows(rows, format);
}

/** A suspect with weights as training begins, and no images. */
async function untrained(arch: string): Promise<Suspect> {
  const network = buildNetwork(arch, CLASSES);
  const { height, width } = network.input;
  const none = { count: 0, height, width, pixels: new Uint8Array(0), labels: new Uint8Array(0) };
  const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } as Suspect["normalization"];
  return {
    name: arch,
    network,
    state: initialState(network, new Random(1)),
    normalization,
    augmentation: { flip: false, cropPadding: 0 },
    clean: { fit: none, threshold: none },
    seed: 1,
    runner: await createRunner(network, normalization, { threads: 1 }),
  };
}
