import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import ort from "onnxruntime-node";
import { wholeNumber } from "../src/cli/arguments.ts";
import { formatOption } from "../src/cli/options.ts";
import { emitRows, type Format } from "../src/cli/output.ts";
import { InputError } from "../src/core/errors.ts";
import { Random } from "../src/core/random.ts";
import { chooseLowering } from "../src/engine/lowering.ts";
import { isPlanned } from "../src/engine/session.ts";
import { activationBytes } from "../src/graph/cost.ts";
import type { Lowering } from "../src/graph/lowering/lowering.ts";
import type { Network } from "../src/graph/network.ts";
import type { Program } from "../src/graph/onnx.ts";
import { finetuneProgram } from "../src/graph/programs/finetune.ts";
import { inferProgram, tapProgram } from "../src/graph/programs/infer.ts";
import { trainProgram } from "../src/graph/programs/train.ts";
import { buildNetwork } from "../src/tasks/classification/models/registry.ts";
import { sizeOf } from "../src/tensor/state.ts";
import { CLASSES } from "./classes.ts";
import { spreadRows } from "./compare.ts";
import { runBench } from "./run.ts";

/**
 * `npx tsx bench/profile.ts`: where a step's time goes, by kind of operator, as the runtime's own profiler tells it. Each
 * operator counts with its shortest time of all steps, so that what else the machine does hardly shows.
 */

interface Options {
  arch: string;
  what: string;
  batch: number;
  threads: number;
  steps: number;
  each: boolean;
  format: Format;
}

const SGD = { momentum: 0.9, nesterov: true, weightDecay: 5e-4 };
const PROGRAMS: Record<string, (lowering: Lowering, network: Network) => Program> = {
  train: (lowering, network) => trainProgram(lowering, network, { sgd: SGD }).program,
  finetune: (lowering, network) => finetuneProgram(lowering, network, spreadRows(network)),
  infer: tapProgram,
  logits: inferProgram,
};

const program = new Command("profile")
  .description("Milliseconds and megabytes of one step by kind of operator, by ONNX Runtime's profiler")
  .option("--arch <name>", "architecture", "resnet18w16")
  .option("--what <name>", `of ${Object.keys(PROGRAMS).join(", ")}`, "train")
  .option("--batch <n>", "images in a batch", wholeNumber("--batch", 1, 4096), 128)
  .option("--threads <n>", "threads", wholeNumber("--threads", 1, 256), 2)
  .option("--steps <n>", "steps; the shortest time of each operator counts", wholeNumber("--steps", 2, 1000), 12)
  .option("--each", "a row for each operator in place of each kind", false)
  .addOption(formatOption());

/** What the profiler says of one run of one operator. */
interface Event {
  cat: string;
  name: string;
  dur: number;
  args: {
    op_name?: string;
    activation_size?: string;
    parameter_size?: string;
    output_size?: string;
    input_type_shape?: Record<string, number[]>[];
    output_type_shape?: Record<string, number[]>[];
    provider?: string;
    node_index?: string;
  };
}

interface Operator {
  kind: string;
  shapes: string;
  milliseconds: number;
  megabytes: number;
}

async function main({ arch, what, batch, threads, steps, each, format }: Options): Promise<void> {
  const write = PROGRAMS[what];
  if (!write) throw new InputError(`--what '${what}': valid are ${Object.keys(PROGRAMS).join(", ")}`);
  const network = buildNetwork(arch, CLASSES);
  const graph = write(await chooseLowering(network, batch), network);
  const folder = mkdtempSync(join(tmpdir(), "bdefects-profile-"));
  try {
    await runProfiled(graph, steps, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      enableMemPattern: isPlanned(activationBytes(network, batch)),
      logSeverityLevel: 4,
      enableProfiling: true,
      profileFilePrefix: join(folder, "profile"),
    });
    const [file] = readdirSync(folder);
    const operators = operatorsOf(JSON.parse(readFileSync(join(folder, file), "utf8")) as Event[]);
    const sum = operators.reduce((total, { milliseconds }) => total + milliseconds, 0);
    process.stderr.write(`${operators.length} operators, ${sum.toFixed(1)} ms\n`);
    emitRows(each ? byOperator(operators) : byKind(operators), format);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function runProfiled(graph: Program, steps: number, options: ort.InferenceSession.SessionOptions): Promise<void> {
  const session = await ort.InferenceSession.create(graph.model, options);
  const random = new Random(1);
  const inputs: Record<string, ort.Tensor> = {};
  for (const { name, shape } of graph.inputs) {
    const values = Float32Array.from({ length: sizeOf(shape as number[]) }, () => 0.1 * random.normal());
    inputs[name] = new ort.Tensor("float32", values, shape as number[]);
  }
  const fetches: Record<string, ort.Tensor> = {};
  for (const { name, shape } of graph.outputs.values()) {
    fetches[name] = new ort.Tensor("float32", new Float32Array(sizeOf(shape as number[])), shape as number[]);
  }
  for (let i = 0; i < steps; i++) await session.run(inputs, fetches);
  session.endProfiling();
  await session.release();
}

/** Every operator once, with its shortest time. */
function operatorsOf(events: Event[]): Operator[] {
  const found = new Map<string, Operator>();
  for (const { cat, name, dur, args } of events) {
    if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
    const known = found.get(name);
    const milliseconds = dur / 1000;
    if (known) known.milliseconds = Math.min(known.milliseconds, milliseconds);
    else {
      const sizes = [args.activation_size, args.parameter_size, args.output_size];
      const shapesOf = (list: Record<string, number[]>[] = []) =>
        list.map((value) => `[${Object.values(value)[0].join(",")}]`).join(" ");
      found.set(name, {
        kind: args.op_name!,
        shapes: `${shapesOf(args.input_type_shape)} → ${shapesOf(args.output_type_shape)}`,
        milliseconds,
        megabytes: sizes.reduce((sum, size) => sum + Number(size ?? 0), 0) / 1e6,
      });
    }
  }
  return [...found.values()];
}

function byKind(operators: Operator[]): Record<string, string | number>[] {
  const kinds = new Map<string, { operators: number; milliseconds: number; megabytes: number }>();
  for (const { kind, milliseconds, megabytes } of operators) {
    const sums = kinds.get(kind) ?? { operators: 0, milliseconds: 0, megabytes: 0 };
    kinds.set(kind, {
      operators: sums.operators + 1,
      milliseconds: sums.milliseconds + milliseconds,
      megabytes: sums.megabytes + megabytes,
    });
  }
  return [...kinds]
    .sort(([, a], [, b]) => b.milliseconds - a.milliseconds)
    .map(([kind, sums]) => ({ kind, ...rounded(sums) }));
}

function byOperator(operators: Operator[]): Record<string, string | number>[] {
  return operators.map(({ kind, shapes, ...sizes }) => ({ kind, ...rounded(sizes), shapes }));
}

function rounded<T extends { milliseconds: number; megabytes: number }>(row: T): T {
  return { ...row, milliseconds: Number(row.milliseconds.toFixed(3)), megabytes: Number(row.megabytes.toFixed(1)) };
}

await runBench(program, main);
