import { createInterface } from "node:readline";
import { peakMemory } from "../src/pipeline/estimate/peak-memory.ts";
import { given } from "./given.ts";
import type { Job, Turn, Warm } from "./job.ts";

/** A contestant's end of the protocol in `contestant.ts`, for those written in TypeScript. */

const WARM_UP_STEPS = 3;

export const job = JSON.parse(given()[0]) as Job;
const commands = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export function say(answer: Warm | Turn | { peak_mib: number }): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** The next turn's length in seconds; undefined at the end. */
export async function nextTurn(): Promise<number | undefined> {
  const { value, done } = await commands.next();
  return done || value === "end" ? undefined : Number(value);
}

/** Warms up, then steps for as long as each turn lasts. @param first told to the other side once it is warm */
export async function runSteps(step: () => Promise<unknown>, first: Warm = {}): Promise<void> {
  for (let i = 0; i < WARM_UP_STEPS; i++) await step();
  say(first);
  for (let length = await nextTurn(); length !== undefined; length = await nextTurn()) {
    const began = performance.now();
    const turn: Turn = { samples: 0, seconds: 0 };
    while (turn.seconds < length) {
      await step();
      turn.samples += job.batch;
      turn.seconds = (performance.now() - began) / 1000;
    }
    say(turn);
  }
}

/** Tells the peak memory and ends the process, whatever threads of a runtime are left. */
export function finish(): never {
  say({ peak_mib: peakMemory() / 2 ** 20 });
  process.exit();
}
