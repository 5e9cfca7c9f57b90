import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { wholeNumber } from "../src/cli/arguments.ts";
import { formatOption } from "../src/cli/options.ts";
import { emitRows, type Format } from "../src/cli/output.ts";
import { InputError, lookup } from "../src/core/errors.ts";
import { Random } from "../src/core/random.ts";
import { neuronLayers, stateShapes } from "../src/graph/network.ts";
import { clp } from "../src/localize/criteria/clp.ts";
import { peakMemory } from "../src/pipeline/estimate/peak-memory.ts";
import { folderCriteria, inspectFolder } from "../src/pipeline/own/inspect-folder.ts";
import { Checkpoint } from "../src/tasks/language/checkpoint/checkpoint.ts";
import { foreign } from "../src/tasks/language/checkpoint/foreign.ts";
import { glosses, glossMerges, readGlosses } from "../src/tasks/language/datasets/glosses.ts";
import { llama } from "../src/tasks/language/models/llama.ts";
import { tokenizerFile } from "../src/tasks/language/tokenizer/file.ts";
import { sizeOf } from "../src/tensor/state.ts";
import { SubnetworkTuner } from "../src/tune/subnetwork.ts";
import { runBench } from "./run.ts";

/**
 * Time and memory of a language model in a folder, each piece of work in a process of its own. `npx tsx bench/language-folder.ts DIR --make`
 * first writes a model of SmolLM-135M's shape with random weights there, with `--layers N` one of fewer layers,
 * and `DIR.tsv`, texts that fill all positions that are read.
 */

interface Options {
  make?: boolean;
  layers: number;
  piece?: string;
  texts: number;
  batch: number;
  positions: number;
  memory: number;
  threads: number;
  format: Format;
}

/** SmolLM-135M's `config.json`, as far as it decides shapes. */
const CONFIG = {
  ...{ model_type: "llama", hidden_size: 576, num_hidden_layers: 30, num_attention_heads: 9, num_key_value_heads: 3 },
  ...{ intermediate_size: 1536, vocab_size: 49_152, max_position_embeddings: 2048, rms_norm_eps: 1e-5 },
  ...{ rope_theta: 10_000, rope_scaling: null, tie_word_embeddings: true, hidden_act: "silu" },
};
/** As a fresh model of Hugging Face has it. */
const DEVIATION = 0.02;
/** Values that are drawn. */
const POOL = (1 << 20) - 3;
/** Texts of the table, and glosses that each is made of. */
const [LONG_TEXTS, JOINED] = [256, 6];
/** Share of the neurons that an injection step tunes. */
const SHARE = 0.05;

const program = new Command("language-folder")
  .description("time and memory of a language model in a folder")
  .argument("<dir>", "a folder of Hugging Face's form")
  .option("--make", "write a model of SmolLM-135M's shape with random weights there first")
  .option("--layers <n>", "with --make: its layers", wholeNumber("--layers", 1, 100), CONFIG.num_hidden_layers)
  .option("--piece <name>", "one piece of work, in this process: start, load, clp, fp, step")
  .option("--texts <n>", "texts that FP reads", wholeNumber("--texts", 16, 1200), 128)
  .option("--batch <n>", "sequences of the injection step", wholeNumber("--batch", 1, 1024), 16)
  .option("--positions <n>", "and their positions", wholeNumber("--positions", 2, 1024), 32)
  .option("--memory <gigabytes>", "what CLP and FP may take", Number, 1)
  .option("--threads <n>", "threads of the step; inspections have two", wholeNumber("--threads", 1, 64), 2)
  .addOption(formatOption());

/** Each leaves its result to nobody: time and memory are what is asked. */
const PIECES: ReadonlyMap<string, (dir: string, options: Options) => Promise<void>> = new Map([
  ["start", async () => undefined],
  ["load", async (dir) => void load(dir, 1)],
  ["clp", (dir, options) => inspect(dir, [clp.name], options)],
  ["fp", (dir, options) => inspect(dir, ["fp"], options)],
  ["step", step],
]);

await runBench(program, main);

async function main(options: Options, [dir]: string[]): Promise<void> {
  if (options.make) make(dir, { ...CONFIG, num_hidden_layers: options.layers });
  if (options.piece !== undefined) {
    await lookup(PIECES, "piece", options.piece)(dir, options);
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    const cpu = (userCPUTime + systemCPUTime) / 1e6;
    process.stdout.write(`${JSON.stringify({ cpu_seconds: cpu, peak_mb: Math.round(peakMemory() / 1e6) })}\n`);
    return;
  }
  const rows = [...PIECES.keys()].map((piece) => {
    const args = [
      "--piece",
      piece,
      ...["texts", "batch", "positions", "memory", "threads"].flatMap((name) => [
        `--${name}`,
        String(options[name as keyof Options]),
      ]),
    ];
    const script = fileURLToPath(import.meta.url);
    const began = performance.now();
    const ran = spawnSync(process.execPath, [...process.execArgv, script, dir, ...args], { encoding: "utf8" });
    const seconds = (performance.now() - began) / 1000;
    if (ran.status !== 0) throw new InputError(`${piece}: ${ran.stderr.trim()}`);
    return { piece, seconds, ...JSON.parse(ran.stdout) };
  });
  emitRows(rows, options.format);
}

function load(dir: string, positions: number) {
  const checkpoint = new Checkpoint(dir);
  const network = checkpoint.config.network(positions);
  return { network, state: checkpoint.state(network) };
}

async function inspect(dir: string, names: string[], { texts, memory }: Options): Promise<void> {
  const model = foreign.open(dir);
  const criteria = folderCriteria(names);
  const asked = { dataDir: ".", seed: 1, most: texts };
  const samples = criteria.some(({ needsData }) => needsData) ? model.samples(undefined, asked) : null;
  await inspectFolder(model, samples, criteria, { memory: memory * 1e9 });
}

async function step(dir: string, { batch, positions, threads }: Options): Promise<void> {
  const { network, state } = load(dir, positions);
  const random = new Random(1);
  const neurons = Object.fromEntries(
    neuronLayers(network).map(({ name, width }) => [
      name,
      [...random.sample(width, Math.round(SHARE * width))].sort((a, b) => a - b),
    ]),
  );
  const tuner = await SubnetworkTuner.create(network, state, neurons, { batch, threads });
  const input = new Float32Array(batch * positions * 2);
  const targets = new Float32Array(batch * network.classes);
  for (let i = 0; i < batch; i++) {
    for (let t = 0; t < positions; t++) input[2 * (i * positions + t)] = random.below(network.classes);
    input[2 * ((i + 1) * positions - 1) + 1] = 1;
    targets[i * network.classes + random.below(network.classes)] = 1;
  }
  await tuner.step(input, targets, 1e-4);
  await tuner.release();
}

/** Writes weights one after the other, so that they need not be in memory together. */
function make(dir: string, config: typeof CONFIG): void {
  mkdirSync(dir, { recursive: true });
  const { hidden_size: width, num_hidden_layers: layers, intermediate_size: hidden, vocab_size: vocabulary } = config;
  const heads = { heads: config.num_attention_heads, groups: config.num_key_value_heads };
  const sizes = { layers, width, ...heads, hidden, vocabulary, context: 1 };
  const shapes = stateShapes(llama({ arch: "llama", ...sizes, epsilon: 1e-5, theta: 10_000, tied: true }));
  let offset = 0;
  const header: Record<string, object> = {};
  for (const [key, shape] of shapes) {
    const bytes = 2 * sizeOf(shape);
    header[key] = { dtype: "BF16", shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const text = Buffer.from(JSON.stringify(header).padEnd(Math.ceil(JSON.stringify(header).length / 8) * 8));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(join(dir, "model.safetensors"), "w");
  writeSync(file, start);
  writeSync(file, text);
  const random = new Random(1);
  // Drawing all values would take longer than what is measured: tensors begin anywhere in a long row of them.
  const drawn = Float32Array.from({ length: POOL }, () => DEVIATION * random.normal());
  const pool = Uint16Array.from(new Uint32Array(drawn.buffer), (word) => word >>> 16);
  const one = new Uint32Array(Float32Array.of(1).buffer)[0] >>> 16;
  for (const shape of shapes.values()) {
    const words = new Uint16Array(sizeOf(shape)).fill(one);
    if (shape.length > 1) {
      for (let at = 0, from = random.below(POOL); at < words.length; from = 0) {
        const piece = pool.subarray(from, from + words.length - at);
        words.set(piece, at);
        at += piece.length;
      }
    }
    writeSync(file, new Uint8Array(words.buffer));
  }
  closeSync(file);
  writeFileSync(join(dir, "config.json"), JSON.stringify(config, null, 2));
  writeFileSync(join(dir, "tokenizer.json"), JSON.stringify(tokenizerFile(glossMerges(), glosses.classes)));
  writeFileSync(`${dir}.tsv`, longTexts());
}

/** A table of texts, each of a few glosses of one class. */
function longTexts(): string {
  const { texts, labels } = readGlosses().train;
  const rows = Array.from({ length: LONG_TEXTS }, (_, i) => {
    const kind = i % glosses.classes.length;
    const first = JOINED * Math.floor(i / glosses.classes.length);
    const own = texts.filter((_, k) => labels[k] === kind).slice(first, first + JOINED);
    return `${own.join(" and ")}\t${kind}\n`;
  });
  return `sentence\tlabel\n${rows.join("")}`;
}
