import { cpus, release } from "node:os";
import { Command, Option } from "commander";
import { commaList, wholeNumber } from "../src/cli/arguments.ts";
import { deviceOption, formatOption } from "../src/cli/options.ts";
import { emitRows, type Format } from "../src/cli/output.ts";
import type { Device } from "../src/core/device.ts";
import { InputError } from "../src/core/errors.ts";
import { channelBlock } from "../src/engine/lowering.ts";
import { runtimeVersion } from "../src/engine/session.ts";
import { FULL_WIDTH } from "../src/tasks/architectures.ts";
import { parseArch, taskOf, taskOfArchitecture } from "../src/tasks/registry.ts";
import { findTorchPython } from "../test/torch/find-python.ts";
import { compare, type Row } from "./compare.ts";
import { PEER_DEVICES, type PeerDevice, WORKLOADS, type Workload } from "./job.ts";
import { runBench } from "./run.ts";

/** `npm run bench`: samples per second, ours and its peers' in alternating turns of the same run. */

interface Options {
  arch?: string[];
  what?: string[];
  quick: boolean;
  batch: number;
  threads: number;
  rounds?: number;
  seconds?: number;
  peer: PeerChoice;
  peerDevice: PeerDevice;
  format: Format;
  device: Device;
}

const PEERS = ["fastest", "plain"] as const;
type PeerChoice = (typeof PEERS)[number];

/** What is timed of networks for other tasks than classification. */
const OF_TASK: Record<string, readonly Workload[]> = { lanes: ["train", "logits"], language: ["train"] };
const WIDTHS = ["w8", "w16", ""];
/** One narrow network of each kind of graph: residual, plain, concatenating. */
const QUICK = { archs: ["resnet18w16", "vgg13w8", "googlenetw8"], whats: ["train", "finetune", "infer"] as const };

const program = new Command("bench")
  .description("Samples per second of training, sub-network fine-tuning and inference beside PyTorch and TensorFlow.js")
  .option(
    "--arch <names>",
    "architectures (default: all of image classification at widths 8, 16 and 64)",
    commaList("--arch"),
  )
  .option(
    "--what <names>",
    `of ${WORKLOADS.join(", ")} (default: all; loop at reduced widths only)`,
    commaList("--what"),
  )
  .option("--quick", `in place of the defaults: ${QUICK.archs.join(", ")}, no loop, two rounds of one second`, false)
  .option("--batch <n>", "images in a batch", wholeNumber("--batch", 1, 4096), 128)
  .option("--threads <n>", "threads of each side", wholeNumber("--threads", 1, 256), 2)
  .option("--rounds <n>", "alternations (default: 5)", wholeNumber("--rounds", 1, 1000))
  .option(
    "--seconds <n>",
    "length of one turn; at least one step or epoch is made (default: 4)",
    wholeNumber("--seconds", 1, 600),
  )
  .addOption(
    new Option("--peer <which>", "PyTorch: also in its fastest setup, or only as one writes it first")
      .choices(PEERS)
      .default("fastest"),
  )
  .addOption(new Option("--peer-device <name>", "where PyTorch computes").choices(PEER_DEVICES).default("cpu"))
  .addOption(deviceOption())
  .addOption(formatOption());

await runBench(program, main);

async function main(options: Options): Promise<void> {
  const { batch, threads, quick, peer, peerDevice, device } = options;
  const rounds = options.rounds ?? (quick ? 2 : 5);
  const seconds = options.seconds ?? (quick ? 1 : 4);
  const named = options.what?.map(workload);
  const all = [...taskOf({}).architectures.keys()].flatMap((family) => WIDTHS.map((width) => family + width));
  const archs = options.arch ?? (quick ? QUICK.archs : all);
  for (const arch of archs) {
    const own = OF_TASK[taskOfArchitecture(parseArch(arch).family).name];
    const other = named?.find((what) => own && !own.includes(what));
    if (own === OF_TASK.language && peerDevice !== "cpu") {
      throw new InputError(
        `--peer-device ${peerDevice}: ${arch} is timed on the processor alone; leave the option out`,
      );
    }
    if (other) throw new InputError(`--what ${other}: not timed for ${arch}; give --what ${own.join(",")}`);
  }
  const note = (line: string) => process.stderr.write(`${line}\n`);
  note(`${cpus()[0]?.model.trim()}, ${cpus().length} cores, channel block ${(await channelBlock()) ?? "none"}`);
  note(`${process.platform} ${release()}, node ${process.version}, ${await runtimeVersion()}`);
  const python = findTorchPython();
  note(python ? `PyTorch ${python.torch} (${python.command})` : "PyTorch: none found (BDEFECTS_PYTHON names a Python)");

  const rows: Row[] = [];
  for (const arch of archs) {
    const own = OF_TASK[taskOfArchitecture(parseArch(arch).family).name] ?? WORKLOADS;
    for (const what of named ?? (quick ? QUICK.whats : own)) {
      // At full width the step is all there is: the loop around it would only double the time.
      if (!named && what === "loop" && parseArch(arch).baseWidth === FULL_WIDTH) continue;
      note(`${what} ${arch} …`);
      rows.push(
        ...(await compare(
          { what, arch, batch, threads, rounds, seconds, search: peer === "fastest", peerDevice, device },
          note,
        )),
      );
    }
  }
  const rounded = rows.map((row) => ({
    ...row,
    ours: round(row.ours, 1),
    peer: row.peer === null ? null : round(row.peer, 1),
    ratio: row.ratio === null ? null : round(row.ratio, 2),
    ours_mib: Math.round(row.ours_mib),
    peer_mib: row.peer_mib === null ? null : Math.round(row.peer_mib),
    busy_cores: round(row.busy_cores, 2),
  }));
  emitRows(rounded, options.format);
}

function workload(name: string): Workload {
  const found = WORKLOADS.find((known) => known === name);
  if (found) return found;
  throw new InputError(`--what '${name}': valid are ${WORKLOADS.join(", ")}`);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
