import { Command } from "commander";
import { commaList, wholeNumber } from "../src/cli/arguments.ts";
import { formatOption } from "../src/cli/options.ts";
import { emitRows, type Format } from "../src/cli/output.ts";
import { InputError } from "../src/core/errors.ts";
import { findTorchPython } from "../test/torch/find-python.ts";
import { compareOn } from "./parity-case.ts";
import { runBench } from "./run.ts";
import { withSuspect } from "./suspect-source.ts";

/** `npx tsx bench/clp.ts`: CLP's seconds beside PyTorch's on untrained networks of any width, as bench/parity.ts has them. */

interface Options {
  arch?: string[];
  threads: number;
  rounds: number;
  format: Format;
}

const ARCHITECTURES = ["resnet18w16", "vgg13w16", "resnet18", "vgg13"];

const program = new Command("clp")
  .description("CLP beside PyTorch on untrained networks")
  .option("--arch <names>", `architectures (default: ${ARCHITECTURES.join(",")})`, commaList("--arch"))
  .option("--threads <n>", "threads of PyTorch; ours has one", wholeNumber("--threads", 1, 64), 1)
  .option("--rounds <n>", "runs of each side, 41 at least", wholeNumber("--rounds", 2, 1000), 41)
  .addOption(formatOption());

await runBench(program, main);

async function main({ arch, threads, rounds, format }: Options): Promise<void> {
  const python = findTorchPython();
  if (!python) throw new InputError("no Python with torch and numpy: name one in BDEFECTS_PYTHON");
  const note = (line: string) => process.stderr.write(`${line}\n`);
  const rows = [];
  for (const name of arch ?? ARCHITECTURES) {
    const options = { criteria: ["clp"], budget: "short" as const, seed: 1, rounds, threads };
    const source = { arch: name };
    const found = await withSuspect(source, (suspect) =>
      compareOn(suspect, { ...options, source, search: true, python: python.command, note }),
    );
    rows.push(...found.map((row) => ({ arch: name, torch: python.torch, ...row })));
  }
  emitRows(rows, format);
}
