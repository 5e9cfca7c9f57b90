import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Budget } from "../src/core/budget.ts";
import { flatScores, indexNeurons } from "../src/core/neuron-index.ts";
import { imageSize } from "../src/datasets/types.ts";
import { type Network, neuronLayers } from "../src/graph/network.ts";
import { effortFor as anpEffort } from "../src/localize/anp.ts";
import { effortFor as ncEffort } from "../src/localize/nc/invert-trigger.ts";
import { IMAGES as NC_IMAGES } from "../src/localize/nc.ts";
import { median } from "../src/localize/normalise.ts";
import { CRITERIA } from "../src/localize/registry.ts";
import type { Suspect } from "../src/localize/types.ts";
import { createRunner } from "../src/measure/ort-runner.ts";
import { writeSuspect } from "../src/pipeline/plugin/folder.ts";
import { countPasses } from "./counting-runner.ts";
import { coresOfOthers, readLoad } from "./load.ts";
import { spearman } from "./spearman.ts";
import { type Cost, TorchCriteria } from "./torch-criteria.ts";

/** How much lower than the peer's own agreement ours with it may be. */
const RANK_TOLERANCE = 0.05;
/** Relative error of CLP. */
const SCORE_TOLERANCE = 1e-4;
/** Runs of a criterion that takes milliseconds; the median is past compiling and first touches of memory. */
const QUICK_ROUNDS = 11;

/** What a criterion is compared with. */
interface Comparison {
  /** Criteria of `criteria.py`: each a row of its own. */
  peers: string[];
  /** What makes the peer's effort on a network that of a budget. */
  effort(network: Network, budget: Budget): Record<string, number>;
  /** The peer whose raw scores ours must equal; absent: ranks are compared. */
  exact?: string;
}

const finite = (effort: Record<string, number>) =>
  Object.fromEntries(Object.entries(effort).filter(([, value]) => Number.isFinite(value)));

/** NC's screening of many classes is ours alone: compare where there are few. */
export const COMPARISONS = new Map<string, Comparison>([
  ["fp", { peers: ["fp"], effort: () => ({}) }],
  [
    "nc",
    {
      peers: ["nc"],
      effort: (network, budget) => {
        const { epochs, batch, images } = ncEffort(network, budget);
        return finite({ epochs, batch, images, ...NC_IMAGES[budget] });
      },
    },
  ],
  [
    "anp",
    {
      peers: ["anp"],
      effort: (network, budget) => ({ ...anpEffort(network, budget) }),
    },
  ],
  ["clp", { peers: ["clp", "clp-gram", "clp-channelwise"], effort: () => ({}), exact: "clp-exact" }],
]);

/** One criterion of ours beside one of PyTorch's on one model. Null: not measured, or not defined. */
export interface ParityRow {
  [field: string]: string | number | boolean | null;
  criterion: string;
  peer: string;
  threads: number;
  rounds: number;
  /** Mean Spearman correlation of scores over all neurons: of every run of ours with every one of theirs, and so on. */
  ours_theirs: number | null;
  theirs_theirs: number | null;
  ours_ours: number | null;
  /** Largest relative difference of raw scores from an exact decomposition. */
  error: number | null;
  agrees: boolean | null;
  /** Medians over the rounds; the first rounds, which open sessions and touch memory first, beside them. */
  seconds: number;
  peer_seconds: number;
  /** peer_seconds / seconds */
  ratio: number;
  first_seconds: number;
  peer_first_seconds: number;
  processor_seconds: number;
  peer_processor_seconds: number;
  /** The same of processor time, which other programs disturb less. */
  processor_ratio: number;
  passes: number;
  peer_passes: number;
  /** Cores that other programs kept busy meanwhile. */
  others: number | null;
}

export interface ParityOptions {
  criteria: readonly string[];
  budget: Budget;
  seed: number;
  rounds: number;
  threads: number;
  python: string;
}

interface Run extends Cost {
  raw: Float64Array;
  scores: Float64Array;
}

/** Runs criteria on one suspect, ours and PyTorch's in turns; who begins alternates. Round r has seed `seed + r`. */
export async function compareOn(given: Suspect, options: ParityOptions): Promise<ParityRow[]> {
  const { budget, seed, threads } = options;
  const folder = mkdtempSync(join(tmpdir(), "bdefects-parity-"));
  const runner = await createRunner(given.network, given.normalization, { threads });
  let peer: TorchCriteria | undefined;
  try {
    writeSuspect(given, folder);
    peer = new TorchCriteria(options.python, folder, threads);
    await peer.ready();
    const index = indexNeurons(neuronLayers(given.network));
    const flat = ({ raw, scores }: Pick<Awaited<ReturnType<TorchCriteria["localize"]>>, "raw" | "scores">) => ({
      raw: flatScores(index, raw),
      scores: flatScores(index, scores),
    });
    const rows: ParityRow[] = [];
    for (const name of options.criteria) {
      const { peers, effort, exact } = COMPARISONS.get(name)!;
      const theirRun = async (which: string, round: number): Promise<Run> => {
        const answer = await peer!.localize(which, seed + round, effort(given.network, budget));
        return { ...answer, ...flat(answer) };
      };
      const ourRun = async (round: number): Promise<Run> => {
        const counting = countPasses(runner, imageSize(given.clean.fit));
        const suspect = { ...given, runner: counting, seed: seed + round, budget };
        const criterion = CRITERIA.get(name)!;
        if (criterion.access !== "clean")
          throw new Error(`'${name}' needs failing tests, which a suspect's folder lacks`);
        const [began, charged] = [performance.now(), process.cpuUsage()];
        const found = await criterion.localize(suspect);
        const { user, system } = process.cpuUsage(charged);
        const cost = { seconds: (performance.now() - began) / 1000, processor_seconds: (user + system) / 1e6 };
        return { ...cost, passes: counting.passes, ...flat(found) };
      };
      const reference = exact ? (await theirRun(exact, 0)).raw : undefined;
      const rounds = reference ? Math.max(options.rounds, QUICK_ROUNDS) : options.rounds;
      for (const which of peers) {
        const before = readLoad([peer.pid]);
        const [ours, theirs]: [Run[], Run[]] = [[], []];
        for (let round = 0; round < rounds; round++) {
          const turns = [
            async () => void ours.push(await ourRun(round)),
            async () => void theirs.push(await theirRun(which, round)),
          ];
          for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
        }
        const others = coresOfOthers(before, readLoad([peer.pid])) ?? null;
        const agreement = reference ? errorOf(ours, reference) : ranksOf(ours, theirs);
        rows.push({ criterion: name, peer: which, threads, rounds, ...agreement, ...costsOf(ours, theirs), others });
      }
    }
    return rows;
  } finally {
    peer?.kill();
    await runner.release();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Agreement = Pick<ParityRow, "ours_theirs" | "theirs_theirs" | "ours_ours" | "error" | "agrees">;

function errorOf(ours: readonly Run[], reference: Float64Array): Agreement {
  const differences = ours.flatMap(({ raw }) =>
    Array.from(raw, (u, i) => (u === reference[i] ? 0 : Math.abs(u - reference[i]) / Math.abs(reference[i]))),
  );
  const error = differences.reduce((most, difference) => Math.max(most, difference), 0);
  return { ours_theirs: null, theirs_theirs: null, ours_ours: null, error, agrees: error <= SCORE_TOLERANCE };
}

function ranksOf(ours: readonly Run[], theirs: readonly Run[]): Agreement {
  const among = (runs: readonly Run[]) => runs.flatMap((a, i) => runs.slice(i + 1).map((b) => spearmanOf(a, b)));
  const between = meanOf(ours.flatMap((a) => theirs.map((b) => spearmanOf(a, b))));
  const own = meanOf(among(theirs));
  const agrees = between !== null && own !== null ? between >= own - RANK_TOLERANCE : null;
  return { ours_theirs: between, theirs_theirs: own, ours_ours: meanOf(among(ours)), error: null, agrees };
}

function spearmanOf(a: Run, b: Run): number | null {
  return spearman(a.scores, b.scores);
}

/** Null where there is none, or one of them is not defined. */
function meanOf(values: readonly (number | null)[]): number | null {
  if (values.length === 0 || values.includes(null)) return null;
  return values.reduce((sum: number, value) => sum + value!, 0) / values.length;
}

function costsOf(ours: readonly Run[], theirs: readonly Run[]) {
  const of = (runs: readonly Run[], field: keyof Cost) => median(runs.map((run) => run[field]));
  const [seconds, peerSeconds] = [of(ours, "seconds"), of(theirs, "seconds")];
  const [processor, peerProcessor] = [of(ours, "processor_seconds"), of(theirs, "processor_seconds")];
  return {
    seconds,
    peer_seconds: peerSeconds,
    ratio: peerSeconds / seconds,
    first_seconds: ours[0].seconds,
    peer_first_seconds: theirs[0].seconds,
    processor_seconds: processor,
    peer_processor_seconds: peerProcessor,
    processor_ratio: peerProcessor / processor,
    passes: of(ours, "passes"),
    peer_passes: of(theirs, "passes"),
  };
}
