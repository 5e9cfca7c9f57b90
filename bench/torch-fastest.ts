import { allocatorVariables } from "./allocators.ts";
import { Contestant } from "./contestant.ts";
import type { Job } from "./job.ts";
import { allocatorsOn, setupName, type TorchSetup, waysOf } from "./torch-setups.ts";

/** Turns of each setup; the quickest counts, so that a disturbed one rules nothing out. */
const TURNS = 2;

/** A setup and its samples per second. */
export interface Tried {
  setup: TorchSetup;
  name: string;
  samplesPerSecond: number;
}

/**
 * Looks for the setup in which PyTorch does a job fastest on this machine: first what it computes, with an allocator that
 * keeps its memory; then every allocator with the best of these.
 *
 * @param command the peer's program @returns all that were tried, the fastest first
 */
export async function findFastest(
  command: readonly [program: string, ...args: string[]],
  job: Job,
  seconds: number,
): Promise<Tried[]> {
  const tried: Tried[] = [];
  const attempt = async (setup: TorchSetup) => {
    if (tried.some(({ name }) => name === setupName(setup))) return;
    tried.push({ setup, name: setupName(setup), samplesPerSecond: await speedOf(command, job, setup, seconds) });
    tried.sort((a, b) => b.samplesPerSecond - a.samplesPerSecond);
  };
  const allocators = allocatorsOn(job.peer_device);
  const [first] = allocators.includes("glibc-keeps") ? (["glibc-keeps"] as const) : allocators;
  for (const way of waysOf(job.what, job.peer_device)) await attempt({ ...way, allocator: first });
  const best = tried[0].setup;
  for (const allocator of allocators) await attempt({ ...best, allocator });
  return tried;
}

async function speedOf(
  [program, ...args]: readonly [program: string, ...args: string[]],
  job: Job,
  setup: TorchSetup,
  seconds: number,
): Promise<number> {
  const contestant = new Contestant(program, args, { ...job, torch: setup }, allocatorVariables(setup.allocator));
  try {
    await contestant.ready();
    let best = 0;
    for (let i = 0; i < TURNS; i++) {
      const turn = await contestant.turn(seconds);
      best = Math.max(best, turn.samples / turn.seconds);
    }
    await contestant.end();
    return best;
  } finally {
    contestant.kill();
  }
}
