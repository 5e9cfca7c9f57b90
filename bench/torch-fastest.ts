import { allocatorVariables } from "./allocators.ts";
import { Contestant } from "./contestant.ts";
import { searchSetups, type Tried } from "./fastest-setup.ts";
import type { Job } from "./job.ts";
import { allocatorsOn, setupName, type TorchSetup, waysOf, waysOfTexts } from "./torch-setups.ts";

/** Turns of each setup; the quickest counts, so that a disturbed one rules nothing out. */
const TURNS = 2;

/**
 * Looks for the setup in which PyTorch does a job fastest on this machine.
 *
 * @param command the peer's program @returns all that were tried, the fastest first, by samples per second
 */
export function findFastest(
  command: readonly [program: string, ...args: string[]],
  job: Job,
  seconds: number,
): Promise<Tried<TorchSetup>[]> {
  const { what, peer_device: device } = job;
  return searchSetups(job.texts ? waysOfTexts() : waysOf(what, device), allocatorsOn(device), setupName, (setup) =>
    speedOf(command, job, setup, seconds),
  );
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
