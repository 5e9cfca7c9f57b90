import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Device } from "../src/core/device.ts";
import type { NeuronSet } from "../src/core/neurons.ts";
import { mean } from "../src/core/statistics.ts";
import { convUnits, type Network } from "../src/graph/network.ts";
import { workerEnvironment } from "../src/pipeline/executors/worker-memory.ts";
import { buildNetwork, parseArch, taskOfArchitecture } from "../src/tasks/registry.ts";
import { findTorchPython } from "../test/torch/find-python.ts";
import { allocatorVariables } from "./allocators.ts";
import { CLASSES } from "./classes.ts";
import { Contestant } from "./contestant.ts";
import type { Job, PeerDevice, Turn, Warm, Workload } from "./job.ts";
import { coresOfOthers, readLoad } from "./load.ts";
import { preparedTexts } from "./texts.ts";
import { findFastest } from "./torch-fastest.ts";
import { PLAIN, setupName, type TorchSetup } from "./torch-setups.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
/** Share of every unit's neurons that sub-network fine-tuning may move, at least one each. */
const TUNED_SHARE = 0.06;
const EPOCH_BATCHES = 16;
/** Threads that wait for each other suffer out of all proportion when a third program takes their core. */
const QUIET_CORES = 0.1;
/** Workloads that TensorFlow.js knows. */
const INFERENCE: ReadonlySet<Workload> = new Set(["infer", "logits"]);
/** Of logits of the same weights, relative to the largest: sums in another order. */
const LOGIT_TOLERANCE = 1e-3;

export interface Row {
  what: Workload;
  arch: string;
  batch: number;
  threads: number;
  /** Samples per second: medians over the rounds. */
  ours: number;
  /** Null where the peer is missing. */
  peer: number | null;
  peer_name: string;
  /** Whether this is PyTorch in the fastest of all setups that were tried; null of another peer. */
  fastest: boolean | null;
  /** ours / peer */
  ratio: number | null;
  /** Peak resident memory of each process. */
  ours_mib: number;
  peer_mib: number | null;
  /** Threads that the peer has: TensorFlow.js has one under Node, whatever it is given. */
  peer_threads: number | null;
  /** Cores that other programs kept busy in the most disturbed round that counts. */
  busy_cores: number;
}

export interface CompareOptions {
  what: Workload;
  arch: string;
  batch: number;
  threads: number;
  rounds: number;
  seconds: number;
  /** Whether PyTorch's fastest setup is looked for; else it runs as one writes it first. */
  search: boolean;
  peerDevice: PeerDevice;
  device: Device;
}

/** Someone to be compared with; `command` is absent where this machine lacks it. */
interface Peer {
  name: string;
  threads: number;
  /** How PyTorch runs. */
  setup?: TorchSetup;
  fastest?: boolean;
  command?: [program: string, ...args: string[]];
}

/**
 * Lets all sides work in turns, so that whatever else the machine does falls on all alike.
 *
 * @returns one row for each peer that knows the workload
 */
export async function compare(
  { what, arch, batch, threads, rounds, seconds, search, peerDevice, device }: CompareOptions,
  note: (line: string) => void,
): Promise<Row[]> {
  const { family, baseWidth } = parseArch(arch);
  const task = taskOfArchitecture(family).name;
  const texts = task === "language" ? await preparedTexts(arch, batch) : undefined;
  if (texts) note(`  ${mean(texts.lengths.map((tokens) => tokens + 2)).toFixed(2)} positions a text`);
  const network = buildNetwork(arch, CLASSES);
  const { height, width } = network.input;
  const job: Job = {
    ...{ what, arch, family, base_width: baseWidth, task, height, width },
    classes: task === "language" ? CLASSES : network.classes,
    texts,
    batch,
    threads,
    device,
    peer_device: peerDevice,
    torch: PLAIN,
    neurons: what === "finetune" ? spreadNeurons(network) : {},
    epoch_batches: EPOCH_BATCHES,
  };
  const peers = [
    ...(await torchPeers(job, search, note)),
    ...(task === "classification" && INFERENCE.has(what) ? [tfjsPeer()] : []),
  ];
  const present = peers.filter(({ command }) => command);
  // Ours as it runs in worker processes.
  const contestants = [{ command: typescript("ours.ts"), setup: undefined }, ...present].map(({ command, setup }) => {
    const [program, ...args] = command!;
    const variables = setup ? allocatorVariables(setup.allocator) : workerEnvironment();
    return new Contestant(program, args, { ...job, torch: setup ?? PLAIN }, variables);
  });
  try {
    const warm: Warm[] = [];
    for (const contestant of contestants) warm.push(await contestant.ready());
    checkLogits(warm, ["ours", ...present.map(({ name }) => name)]);
    const { turns, others } = await alternate(contestants, rounds, seconds);
    const [ours, ...theirs] = turns.map((list) => median(list.map((turn) => turn.samples / turn.seconds)));
    const [oursMib, ...theirMib] = await ends(contestants);
    if (others > QUIET_CORES) {
      note(`  beware: other programs kept ${others.toFixed(1)} cores busy; such turns favour whoever spins least`);
    }
    return peers.map((peer) => {
      const i = present.indexOf(peer);
      return {
        what,
        arch,
        batch,
        threads,
        ours,
        peer: theirs[i] ?? null,
        peer_name: peer.name,
        fastest: peer.setup ? (peer.fastest ?? null) : null,
        ratio: i < 0 ? null : ours / theirs[i],
        ours_mib: oursMib,
        peer_mib: theirMib[i] ?? null,
        peer_threads: i < 0 ? null : peer.threads,
        busy_cores: others,
      };
    });
  } finally {
    for (const contestant of contestants) contestant.kill();
  }
}

/** How long one turn of the search is. */
const SEARCH_SECONDS = 1;

/** PyTorch as one writes it first and, where that is another, in its fastest setup. */
async function torchPeers(job: Job, search: boolean, note: (line: string) => void): Promise<Peer[]> {
  const { threads, peer_device } = job;
  const python = findTorchPython();
  const named = (setup: TorchSetup) =>
    ["PyTorch", python?.torch, setupName(setup), peer_device === "cpu" ? undefined : peer_device]
      .filter(Boolean)
      .join(" ");
  if (!python) return [{ name: named(PLAIN), threads, setup: PLAIN }];
  const command: Peer["command"] = [python.command, join(HERE, "peer.py")];
  const plain = { name: named(PLAIN), threads, setup: PLAIN, command };
  if (!search) return [plain];
  const tried = await findFastest(command, job, SEARCH_SECONDS);
  for (const { name, speed, failure } of tried) {
    note(`  ${failure === undefined ? speed.toFixed(0).padStart(8) : failure}  PyTorch ${name}`);
  }
  const [{ setup, name }] = tried;
  if (name === setupName(PLAIN)) return [{ ...plain, fastest: true }];
  return [
    { ...plain, fastest: false },
    { name: named(setup), threads, setup, command, fastest: true },
  ];
}

/** TensorFlow.js with its WebAssembly backend; it is a development dependency and may not be installed. */
function tfjsPeer(): Peer {
  const peer = { name: "tfjs-wasm", threads: 1 };
  try {
    for (const name of ["tfjs-core", "tfjs-backend-wasm"])
      createRequire(import.meta.url).resolve(`@tensorflow/${name}`);
    return { ...peer, command: typescript("tfjs.ts") };
  } catch {
    return peer;
  }
}

function typescript(file: string): [program: string, ...args: string[]] {
  return [process.execPath, "--import", import.meta.resolve("tsx"), join(HERE, file)];
}

/** Contestants that run our weights must get our logits. */
function checkLogits([{ logits: ours }, ...warm]: Warm[], [, ...names]: string[]): void {
  for (const [i, { logits }] of warm.entries()) {
    if (!ours || !logits) continue;
    const scale = Math.max(...ours.map(Math.abs));
    const error = Math.max(...ours.map((value, k) => Math.abs(value - logits[k]))) / scale;
    if (logits.length === ours.length && error <= LOGIT_TOLERANCE) continue;
    throw new Error(`${names[i]} does not compute the same network: its logits are off by ${error} of the largest`);
  }
}

async function ends(contestants: Contestant[]): Promise<number[]> {
  const peaks: number[] = [];
  for (const contestant of contestants) peaks.push(await contestant.end());
  return peaks;
}

/**
 * Rounds of one turn each. A round that other programs disturbed is made again, up to three times as many rounds in
 * all; if there are still too few quiet ones, the quietest count.
 *
 * @returns per contestant the turns that count, and the greatest disturbance among them in cores
 */
async function alternate(
  contestants: Contestant[],
  rounds: number,
  seconds: number,
): Promise<{ turns: Turn[][]; others: number }> {
  const pids = contestants.map(({ pid }) => pid);
  const made: { turns: Turn[]; others: number }[] = [];
  const quiet = () => made.filter(({ others }) => others <= QUIET_CORES).length;
  while (quiet() < rounds && made.length < 3 * rounds) {
    const before = readLoad(pids);
    const turns: Turn[] = [];
    // Who begins alternates too.
    const order = [...contestants.keys()];
    if (made.length % 2 === 1) order.reverse();
    for (const i of order) turns[i] = await contestants[i].turn(seconds);
    made.push({ turns, others: coresOfOthers(before, readLoad(pids)) ?? 0 });
  }
  const counted = made.sort((a, b) => a.others - b.others).slice(0, rounds);
  return {
    turns: contestants.map((_, i) => counted.map(({ turns }) => turns[i])),
    others: counted[counted.length - 1].others,
  };
}

/** How many of every unit's neurons are tuned. */
export function spreadRows(network: Network): Map<string, number> {
  return new Map(Object.entries(spreadNeurons(network)).map(([unit, neurons]) => [unit, neurons.length]));
}

export function spreadNeurons(network: Network): NeuronSet {
  const neurons: NeuronSet = {};
  for (const { id, out } of convUnits(network)) {
    const count = Math.ceil(TUNED_SHARE * out);
    neurons[id] = Array.from({ length: count }, (_, i) => Math.floor((i * out) / count));
  }
  return neurons;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
