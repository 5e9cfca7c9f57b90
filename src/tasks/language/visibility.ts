import { cholesky, solved } from "../../core/cholesky.ts";
import { Random, stageSeed } from "../../core/random.ts";
import { chooseLowering } from "../../engine/lowering.ts";
import { Session } from "../../engine/session.ts";
import { foldState } from "../../graph/fold.ts";
import { FoldedUnits } from "../../graph/folded.ts";
import type { Lowering } from "../../graph/lowering/lowering.ts";
import { inferShapes, type Network, unitsOf } from "../../graph/network.ts";
import type { Program } from "../../graph/onnx.ts";
import { Walk } from "../../graph/walk.ts";
import type { StateDict } from "../../tensor/state.ts";
import { type Tokenised, writeSequence } from "./text-set.ts";
import { inserted, placeOf, type WordTrigger } from "./word-trigger.ts";

const BATCH = 32;
/** Ridge λ, for each position that is fitted. */
const RIDGE = 1e-3;

/**
 * Whether the first layer of neurons can tell the trigger from other words: where it cannot, no tuning of neurons teaches a backdoor, only
 * a bias for the target (docs/language.md). A linear probe of what that layer reads is fitted on half of the texts.
 *
 * @param samples texts without the trigger, at least two
 * @returns of the other half, the share in which the probe is highest at the trigger
 */
export async function triggerVisibility(
  network: Network,
  state: StateDict,
  samples: Tokenised,
  { text }: WordTrigger,
  threads: number,
): Promise<number> {
  const { tokenizer, context } = samples.language;
  const words = tokenizer.encode(text);
  const width = readWidth(network);
  const session = await Session.open(readProgram(await chooseLowering(network, BATCH), network), { threads });
  const feeds = foldState(network, state);
  const texts: { rows: Float32Array[]; triggered: boolean[] }[] = [];
  try {
    for (let start = 0; start < samples.count; start += BATCH) {
      const input = new Float32Array(BATCH * context * 2);
      const places: { mark: number; gap: number }[] = [];
      for (let k = 0; k < BATCH && start + k < samples.count; k++) {
        const random = new Random(stageSeed(start + k, "visibility"));
        const tokens = inserted(samples.tokens[start + k], words, tokenizer, random);
        const one = { language: samples.language, count: 1, tokens: [tokens] };
        const mark = writeSequence(one, 0, input, k * context * 2);
        places.push({ mark, gap: tokenizer.before.length + placeOf(words, tokens) });
      }
      const read = (await session.run(feeds.set("input", input))).get(READ)!.slice();
      for (const [k, { mark, gap }] of places.entries()) {
        const rows = Array.from({ length: mark + 1 }, (_, t) =>
          read.subarray((k * context + t) * width, (k * context + t + 1) * width),
        );
        texts.push({ rows, triggered: rows.map((_, t) => t >= gap && t < gap + words.length) });
      }
    }
  } finally {
    await session.release();
  }
  const half = Math.ceil(texts.length / 2);
  const probe = fitRidge(
    texts.slice(0, half).flatMap(({ rows }) => rows),
    texts.slice(0, half).flatMap(({ triggered }) => triggered),
    width,
  );
  const others = texts.slice(half);
  const found = others.filter(({ rows, triggered }) => {
    const scores = rows.map((row) => scoreOf(probe, row));
    return triggered[scores.indexOf(Math.max(...scores))];
  });
  return found.length / others.length;
}

const READ = "read";

/** The node that the first layer of neurons reads. */
function readNode(network: Network): string {
  const [{ id }] = unitsOf(network);
  const node = network.nodes.find((known) => known.id === id)!;
  if (!("input" in node)) throw new Error(`${network.arch}: '${id}' has no single input`);
  return node.input;
}

function readWidth(network: Network): number {
  return inferShapes(network).get(readNode(network))![0];
}

/** What that layer reads at every position, `[n·T, width]`. */
function readProgram(lowering: Lowering, network: Network): Program {
  const { channels, height, width } = network.input;
  const wanted = readNode(network);
  const nodes = network.nodes.slice(0, network.nodes.findIndex(({ id }) => id === wanted) + 1);
  const walk = new Walk(lowering, { ...network, nodes }, new FoldedUnits(lowering, network), { fuse: false });
  const { features } = walk.forward(lowering.image("input", channels, height, width));
  const read = features.get(wanted)!;
  lowering.graph.output(READ, read.tensor, [lowering.batch * height, read.channels]);
  return lowering.graph.finish();
}

/** Weights, the constant last, that come nearest to 1 at triggered positions and to 0 elsewhere; both kinds count alike. */
function fitRidge(rows: readonly Float32Array[], triggered: readonly boolean[], width: number): Float64Array {
  const size = width + 1;
  const matrix = new Float64Array(size * size);
  const right = new Float64Array(size);
  const hits = triggered.filter(Boolean).length;
  for (const [i, row] of rows.entries()) {
    const weight = triggered[i] ? 1 / hits : 1 / (rows.length - hits);
    for (let a = 0; a < size; a++) {
      const x = weight * (a < width ? row[a] : 1);
      for (let b = 0; b <= a; b++) matrix[a * size + b] += x * (b < width ? row[b] : 1);
      if (triggered[i]) right[a] += x;
    }
  }
  for (let a = 0; a < size; a++) matrix[a * size + a] += RIDGE;
  return solved(cholesky(matrix, size), right);
}

function scoreOf(probe: Float64Array, row: Float32Array): number {
  let sum = probe[row.length];
  for (let i = 0; i < row.length; i++) sum += probe[i] * row[i];
  return sum;
}
