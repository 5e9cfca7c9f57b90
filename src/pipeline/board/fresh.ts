import { join } from "node:path";
import { sha256Hex } from "../../core/hash.ts";
import { Random, stageSeed } from "../../core/random.ts";
import { userCache } from "../../files/user-cache.ts";
import type { DefectRecord } from "../../records/defect.ts";
import type { Database } from "../../store/database.ts";
import { build } from "../build/build.ts";
import type { Report } from "../build/context.ts";
import { makePlan } from "../plan/plan.ts";
import { type Edition, loadEdition, type Product, type SliceSelection } from "../recipe/recipe.ts";

/** How many accepted defects a fresh benchmark has. */
export const FRESH_DEFECTS = 12;
/** Candidates that are built before it is given up: twice as many. */
const MOST_CANDIDATES = 24;
/** How many are tried at once where too few were accepted. */
const MORE = 4;

/** The recipe that fresh defects are drawn from, under a seed. */
export function freshEdition(seed: number): Edition {
  return { ...loadEdition("board"), seed };
}

/** Says whether two fresh benchmarks of one seed are the same: the recipe without name and seed, in whatever order its fields stand. */
export function freshRecipeSha256(): string {
  const { edition: _, seed: __, ...recipe } = loadEdition("board");
  return sha256Hex(JSON.stringify(sorted(recipe)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([key, field]) => [key, sorted(field)]));
}

/**
 * The candidates that a seed draws, in the order in which they are built: every architecture with every attack in turn, each
 * time at another level and offset.
 */
export function drawFresh({ select, seed }: Edition): Product[] {
  const random = new Random(stageSeed(seed, "fresh"));
  const drawn: Product[] = [];
  const taken = new Set<string>();
  while (drawn.length < MOST_CANDIDATES) {
    const turns = select.arch.flatMap((arch) => select.attack.map((attack) => ({ arch, attack })));
    for (const { arch, attack } of random.shuffle(turns)) {
      const [level, offset] = [pick(random, select.level), pick(random, select.offset)];
      const name = [arch, attack, level, offset].join();
      if (taken.has(name) || drawn.length === MOST_CANDIDATES) continue;
      taken.add(name);
      const { dataset, style } = select;
      drawn.push({ dataset: [...dataset], arch: [arch], attack: [attack], level: [level], offset: [offset], style });
    }
  }
  return drawn;
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.below(values.length)];
}

/** Ids of all candidates that a seed draws, in order. */
export function freshIds(seed: number): string[] {
  const edition = freshEdition(seed);
  return makePlan(edition, sliceOf(drawFresh(edition))).candidates.map(({ id }) => id);
}

function sliceOf([first, ...also]: readonly Product[]): SliceSelection {
  return { ...first, also };
}

/** Where the defects of a seed lie: whoever judges keeps them, and nobody else has them. */
export function freshDir(seed: number, cache = userCache()): string {
  return join(cache, "board", `fresh-${seed}`, "db");
}

export interface FreshRequest {
  seed: number;
  dataDir: string;
  jobs?: number;
  report: Report;
  /** Told what is about to be built. */
  say(text: string): void;
}

/**
 * Builds the defects of a seed into the user's cache, until enough are accepted; what is there is kept. The benchmark is the
 * first accepted ones in the order of the draw, however many were built at once.
 *
 * @returns the database and its benchmark's defects; fewer than wanted where all candidates are used up
 */
export async function buildFresh({
  seed,
  dataDir,
  jobs,
  report,
  say,
}: FreshRequest): Promise<{ db: Database; records: DefectRecord[] }> {
  const edition = freshEdition(seed);
  const dir = freshDir(seed);
  const drawn = drawFresh(edition);
  for (let count = FRESH_DEFECTS; ; count = Math.min(count + MORE, drawn.length)) {
    const select = sliceOf(drawn.slice(0, count));
    say(`fresh ${seed}: ${count} candidates in ${dir}`);
    const { db } = await build({ ...{ dir, dataDir, edition, select, jobs, report } });
    const ids = makePlan(edition, select).candidates.map(({ id }) => id);
    const accepted = ids.map((id) => db.readDefect(id)).filter(({ status }) => status === "accepted");
    if (accepted.length >= FRESH_DEFECTS || count === drawn.length) {
      return { db, records: accepted.slice(0, FRESH_DEFECTS) };
    }
  }
}
