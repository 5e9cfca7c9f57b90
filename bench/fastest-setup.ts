import type { Allocator } from "./allocators.ts";

/** A setup and its speed, in whatever unit; 0 and the reason where it failed. */
export interface Tried<Setup> {
  setup: Setup;
  name: string;
  speed: number;
  failure?: string;
}

/**
 * Looks for the fastest setup: first what is computed, with an allocator that keeps its memory; then every allocator with
 * the best of these. One that fails is passed over.
 *
 * @param ways setups of whatever allocator @param allocators those that are here @returns all that were tried, the fastest first
 * @throws Error where all fail
 */
export async function searchSetups<Setup extends { allocator: Allocator }>(
  ways: readonly Setup[],
  allocators: readonly Allocator[],
  nameOf: (setup: Setup) => string,
  speedOf: (setup: Setup) => Promise<number>,
): Promise<Tried<Setup>[]> {
  const tried: Tried<Setup>[] = [];
  const attempt = async (setup: Setup) => {
    const name = nameOf(setup);
    if (tried.some((earlier) => earlier.name === name)) return;
    try {
      tried.push({ setup, name, speed: await speedOf(setup) });
    } catch (error) {
      // A way that a device or a version of PyTorch lacks rules out nothing but itself.
      tried.push({ setup, name, speed: 0, failure: error instanceof Error ? error.message : String(error) });
    }
    tried.sort((a, b) => b.speed - a.speed);
  };
  const first = allocators.includes("glibc-keeps") ? "glibc-keeps" : allocators[0];
  for (const way of ways) await attempt({ ...way, allocator: first });
  const best = tried[0].setup;
  for (const allocator of allocators) await attempt({ ...best, allocator });
  if (tried[0].failure !== undefined) throw new Error(tried[0].failure);
  return tried;
}
