import { BlockedLowering } from "../graph/lowering/blocked.ts";
import type { Lowering, LoweringKind } from "../graph/lowering/lowering.ts";
import { PlainLowering } from "../graph/lowering/plain.ts";
import { convUnits, type Network } from "../graph/network.ts";
import { GraphBuilder, NCHWC } from "../graph/onnx.ts";
import { Session } from "./session.ts";

let probed: Promise<number | undefined> | undefined;

/**
 * The channel block of ONNX Runtime's blocked operators on this processor (8 with AVX2), found by blocking a counting
 * sequence and looking where its second channel went; undefined where the operators are missing or behave otherwise.
 */
export function channelBlock(): Promise<number | undefined> {
  probed ??= probe().catch(() => undefined);
  return probed;
}

async function probe(): Promise<number | undefined> {
  const [channels, positions] = [64, 2];
  const graph = new GraphBuilder();
  graph.input("x", [1, channels, 1, positions]);
  graph.output("y", graph.op("ReorderInput", ["x"], {}, NCHWC), [1, channels, 1, positions]);
  const session = await Session.open(graph.finish(), { threads: 1 });
  const counting = Float32Array.from({ length: channels * positions }, (_, i) => i);
  const y = (await session.run(new Map([["x", counting]]))).get("y")!;
  await session.release();
  const block = y.indexOf(1);
  const expected = (i: number) => {
    const [group, rest] = [Math.floor(i / (block * positions)), i % (block * positions)];
    return (group * block + (rest % block)) * positions + Math.floor(rest / block);
  };
  return block > 1 && y.every((value, i) => value === expected(i)) ? block : undefined;
}

/** Makes a lowering for a network: blocked where the processor and every width allow it, else plain. */
export async function chooseLowering(network: Network, batch: number, wanted?: LoweringKind): Promise<Lowering> {
  const block = wanted === "plain" ? undefined : await channelBlock();
  const fits = block !== undefined && convUnits(network).every(({ out }) => out % block === 0);
  return fits ? new BlockedLowering(batch, block) : new PlainLowering(batch);
}
