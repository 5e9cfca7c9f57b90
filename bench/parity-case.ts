import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Budget } from "../src/core/budget.ts";
import { flatScores, indexNeurons } from "../src/core/neuron-index.ts";
import { median } from "../src/core/statistics.ts";
import { type Network, neuronLayers } from "../src/graph/network.ts";
import { effortFor as anpEffort } from "../src/localize/criteria/anp.ts";
import { effortFor as ncEffort } from "../src/localize/nc/invert-trigger.ts";
import { WALK_SAMPLES as NC_IMAGES } from "../src/localize/nc/walk.ts";
import type { Suspect } from "../src/localize/types.ts";
import { writeSuspect } from "../src/pipeline/plugin/folder.ts";
import type { Allocator } from "./allocators.ts";
import { CRITERION_SETUPS, type CriterionSetup, criterionSetupName } from "./criterion-setups.ts";
import {
  type Cost,
  type CriterionAnswer,
  type CriterionSide,
  ourCriteria,
  type Question,
  type TorchQuestion,
  torchCriteria,
} from "./criterion-side.ts";
import { searchSetups } from "./fastest-setup.ts";
import { coresOfOthers, readLoad } from "./load.ts";
import { spearman } from "./spearman.ts";
import type { SuspectSource } from "./suspect-source.ts";
import { allocatorsOn } from "./torch-setups.ts";

/** How much lower than the peer's own agreement ours with it may be. */
const RANK_TOLERANCE = 0.05;
/** Relative error of CLP. */
const SCORE_TOLERANCE = 1e-4;
/** Runs of a criterion that takes milliseconds; the median is past compiling and first touches of memory. */
const QUICK_ROUNDS = 41;

/** Turns of each setup in the search; the quickest counts. */
const SEARCH_TURNS = 2;

type Effort = Record<string, number>;

/** What a criterion is compared with. */
interface Comparison {
  /** What makes the peer's effort on a network that of a budget. */
  effort(network: Network, budget: Budget): Effort;
  /** Less of it for the search for the fastest setup: the same batches, fewer of them. */
  probe: Effort;
  /** The peer whose raw scores ours must equal; absent: ranks are compared. */
  exact?: string;
}

const finite = (effort: Record<string, number>) =>
  Object.fromEntries(Object.entries(effort).filter(([, value]) => Number.isFinite(value)));

/** NC's screening of many classes is ours alone: compare where there are few. */
export const COMPARISONS = new Map<string, Comparison>([
  ["fp", { effort: () => ({}), probe: {} }],
  [
    "nc",
    {
      probe: { epochs: 1, walk: 50 },
      effort: (network, budget) => {
        const { epochs, batch, images } = ncEffort(network, budget);
        return finite({ epochs, batch, images, ...NC_IMAGES[budget] });
      },
    },
  ],
  [
    "anp",
    {
      probe: { iterations: 12 },
      effort: (network, budget) => ({ ...anpEffort(network, budget) }),
    },
  ],
  ["clp", { effort: () => ({}), probe: {}, exact: "clp-exact" }],
]);

/** One criterion of ours beside one of PyTorch's on one model. Null: not measured, or not defined. */
export interface ParityRow {
  [field: string]: string | number | boolean | null;
  criterion: string;
  /** What of `criteria.py`, and how. */
  peer: string;
  setup: string;
  /** Whether that is the fastest of all setups that were tried; null where none was looked for. */
  fastest: boolean | null;
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
  /** The suspect once more, for our side's process. */
  source: SuspectSource;
  /** Whether PyTorch's fastest setup is looked for. */
  search: boolean;
  /** Told what the search tried. */
  note(line: string): void;
}

interface Run extends Cost {
  raw: Float64Array;
  scores: Float64Array;
}

/**
 * Runs criteria on one suspect, ours and PyTorch's in turns; who begins alternates. Round r has seed `seed + r`.
 *
 * @returns for each criterion a row for PyTorch as published, and one for its fastest setup where that was looked for
 */
export async function compareOn(given: Suspect, options: ParityOptions): Promise<ParityRow[]> {
  const { budget, seed, threads } = options;
  const folder = mkdtempSync(join(tmpdir(), "bdefects-parity-"));
  const sides = new Map<Allocator, CriterionSide<TorchQuestion>>();
  let ours: CriterionSide<Question> | undefined;
  try {
    writeSuspect(given, folder);
    ours = await ourCriteria(options.source, threads);
    const index = indexNeurons(neuronLayers(given.network));
    const flat = (answer: CriterionAnswer): Run => ({
      ...answer,
      raw: flatScores(index, answer.raw),
      scores: flatScores(index, answer.scores),
    });
    const sideOf = async (allocator: Allocator) => {
      const side = sides.get(allocator) ?? (await torchCriteria(options.python, folder, threads, allocator));
      sides.set(allocator, side);
      return side;
    };
    const theirRun = async ({ allocator, ...way }: CriterionSetup, round: number, effort: Effort) =>
      flat(await (await sideOf(allocator)).localize({ ...way, seed: seed + round, ...effort }));
    const rows: ParityRow[] = [];
    for (const name of options.criteria) {
      const { effort: effortOf, probe, exact } = COMPARISONS.get(name)!;
      const effort = effortOf(given.network, budget);
      const [plain, ...further] = CRITERION_SETUPS[name];
      const reference = exact ? (await theirRun({ ...plain, criterion: exact }, 0, effort)).raw : undefined;
      const peers = [plain];
      if (options.search) {
        const speedOf = async (setup: CriterionSetup) => {
          const runs: Run[] = [];
          try {
            for (let turn = 0; turn < (reference ? QUICK_ROUNDS : SEARCH_TURNS); turn++) {
              runs.push(await theirRun(setup, 0, { ...effort, ...probe }));
            }
          } catch (error) {
            // The process has stopped.
            sides.delete(setup.allocator);
            throw error;
          }
          return 1 / Math.min(...runs.map(({ seconds }) => seconds));
        };
        const tried = await searchSetups([plain, ...further], allocatorsOn("cpu"), criterionSetupName, speedOf);
        for (const { name: setup, speed, failure } of tried) {
          options.note(`  ${failure ?? `${(1 / speed).toFixed(4)} s`}  PyTorch ${setup}`);
        }
        if (tried[0].name !== criterionSetupName(plain)) peers.push(tried[0].setup);
      }
      const pids = [ours, ...(await Promise.all(peers.map(({ allocator }) => sideOf(allocator))))].map(
        ({ pid }) => pid,
      );
      const before = readLoad([...new Set(pids)]);
      const rounds = reference ? Math.max(options.rounds, QUICK_ROUNDS) : options.rounds;
      const own: Run[] = [];
      const theirs = peers.map((): Run[] => []);
      for (let round = 0; round < rounds; round++) {
        const turns = [
          async () => void own.push(flat(await ours!.localize({ criterion: name, seed: seed + round, budget }))),
          ...peers.map((peer, i) => async () => void theirs[i].push(await theirRun(peer, round, effort))),
        ];
        for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
      }
      const others = coresOfOthers(before, readLoad([...new Set(pids)])) ?? null;
      for (const [i, peer] of peers.entries()) {
        const agreement = reference ? errorOf(own, reference) : ranksOf(own, theirs[i]);
        const fastest = options.search ? i === peers.length - 1 : null;
        const asked = {
          criterion: name,
          peer: peer.criterion,
          setup: criterionSetupName(peer),
          fastest,
          threads,
          rounds,
        };
        rows.push({ ...asked, ...agreement, ...costsOf(own, theirs[i]), others });
      }
    }
    return rows;
  } finally {
    for (const side of [ours, ...sides.values()]) side?.kill();
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
