import { chooseLowering } from "../../engine/lowering.ts";
import { Session } from "../../engine/session.ts";
import { foldState } from "../../graph/fold.ts";
import type { Network } from "../../graph/network.ts";
import { NEXT, WEIGHTS } from "../../graph/objectives/continuation.ts";
import { continuationProgram, LOSSES } from "../../graph/programs/continuation.ts";
import { atPositions } from "../../graph/programs/language.ts";
import { predictOwnWords } from "../../graph/sequences.ts";
import type { StateDict } from "../../tensor/state.ts";
import { type Tokenised, writeSequence } from "./text-set.ts";

const BATCH = 32;
/** Positions of a graph are a multiple of it. */
const STEP = 8;

/** `exp` of the mean cross-entropy of every next token of texts, the separator included and the answer not. */
export async function perplexity(
  network: Network,
  state: StateDict,
  samples: Tokenised,
  threads: number,
): Promise<number> {
  const { context, tokenizer } = samples.language;
  const around = tokenizer.before.length + tokenizer.behind.length;
  const order = [...samples.tokens.keys()].sort((a, b) => samples.tokens[a].length - samples.tokens[b].length || a - b);
  const fed = foldState(network, state);
  const sessions = new Map<number, Session>();
  const input = new Float32Array(2 * context);
  let [losses, count] = [0, 0];
  try {
    for (let start = 0; start < order.length; start += BATCH) {
      const batch = order.slice(start, start + BATCH);
      const longest = Math.min(context, samples.tokens[batch.at(-1)!].length + around);
      const positions = Math.min(context, Math.ceil(longest / STEP) * STEP);
      const [inputs, next, weights] = [2, 1, 1].map((channels) => new Float32Array(BATCH * positions * channels));
      for (const [k, i] of batch.entries()) {
        const mark = writeSequence(samples, i, input, 0);
        inputs.set(input.subarray(0, 2 * positions), 2 * k * positions);
        predictOwnWords({ next, weights }, inputs, { sequence: k, positions }, mark, () => 1);
        count += mark;
      }
      const session = sessions.get(positions) ?? (await open(network, positions, threads));
      sessions.set(positions, session);
      const feeds = new Map([...fed, ["input", inputs], [NEXT, next], [WEIGHTS, weights]] as const);
      for (const loss of (await session.run(feeds)).get(LOSSES)!) losses += loss;
    }
  } finally {
    for (const session of sessions.values()) await session.release();
  }
  return Math.exp(losses / count);
}

async function open(network: Network, positions: number, threads: number): Promise<Session> {
  const shorter = atPositions(network, positions);
  return Session.open(continuationProgram(await chooseLowering(shorter, BATCH), shorter), { threads });
}
