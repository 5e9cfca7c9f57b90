import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NeuronSet } from "../src/core/neurons.ts";
import { convUnits, type Network } from "../src/graph/network.ts";
import { buildNetwork, parseArch } from "../src/models/registry.ts";
import { findTorchPython } from "../test/torch/find-python.ts";
import { Contestant } from "./contestant.ts";
import type { Job, PeerMode, Turn, Workload } from "./job.ts";
import { coresOfOthers, readLoad } from "./load.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const CLASSES = 10;
/** Share of every unit's neurons that sub-network fine-tuning may move, at least one each. */
const TUNED_SHARE = 0.06;
const EPOCH_BATCHES = 16;
/** Threads that wait for each other suffer out of all proportion when a third program takes their core. */
const QUIET_CORES = 0.1;

export interface Row {
  what: Workload;
  arch: string;
  batch: number;
  threads: number;
  /** Samples per second: medians over the rounds. */
  ours: number;
  peer: number | null;
  peer_name: string | null;
  /** ours / peer */
  ratio: number | null;
  /** Peak resident memory of each process. */
  ours_mib: number;
  peer_mib: number | null;
}

export interface CompareOptions {
  what: Workload;
  arch: string;
  batch: number;
  threads: number;
  rounds: number;
  seconds: number;
  peerMode: PeerMode;
}

/** Lets both sides work in turns, so that whatever else the machine does falls on both alike. */
export async function compare(
  { what, arch, batch, threads, rounds, seconds, peerMode }: CompareOptions,
  note: (line: string) => void,
): Promise<Row> {
  const network = buildNetwork(arch, CLASSES);
  const job: Job = {
    what,
    arch,
    family: parseArch(arch).family,
    base_width: parseArch(arch).baseWidth,
    classes: CLASSES,
    batch,
    threads,
    peer_mode: peerMode,
    neurons: what === "finetune" ? spreadNeurons(network) : {},
    epoch_batches: EPOCH_BATCHES,
  };
  const python = findTorchPython();
  const contestants = [
    new Contestant(process.execPath, ["--import", import.meta.resolve("tsx"), join(HERE, "ours.ts")], job),
  ];
  if (python) contestants.push(new Contestant(python.command, [join(HERE, "peer.py")], job));
  try {
    for (const contestant of contestants) await contestant.ready();
    const { turns, others } = await alternate(contestants, rounds, seconds);
    const [ours, peer] = turns.map((list) => median(list.map((turn) => turn.samples / turn.seconds)));
    const [oursMib, peerMib] = [await contestants[0].end(), await contestants[1]?.end()];
    if (others > QUIET_CORES) {
      note(`  beware: other programs kept ${others.toFixed(1)} cores busy; such turns favour whoever spins least`);
    }
    return {
      what,
      arch,
      batch,
      threads,
      ours,
      peer: peer ?? null,
      peer_name: python ? `PyTorch ${python.torch} ${peerMode}` : null,
      ratio: peer === undefined ? null : ours / peer,
      ours_mib: oursMib,
      peer_mib: peerMib ?? null,
    };
  } finally {
    for (const contestant of contestants) contestant.kill();
  }
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

function spreadNeurons(network: Network): NeuronSet {
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
