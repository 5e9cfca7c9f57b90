import { BlockedLowering } from "../graph/lowering/blocked.ts";
import type { Lowering, LoweringKind } from "../graph/lowering/lowering.ts";
import { networkPadding } from "../graph/lowering/network-padding.ts";
import { PlainLowering } from "../graph/lowering/plain.ts";
import { TokenLowering } from "../graph/lowering/tokens.ts";
import { WebGpuLowering } from "../graph/lowering/webgpu.ts";
import type { Network } from "../graph/network.ts";
import { GraphBuilder, NCHWC } from "../graph/onnx.ts";
import { processDevice } from "./device.ts";
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
  const session = await Session.open(graph.finish(), { threads: 1, device: "cpu" });
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

/**
 * Channels are padded to the block. Above this many times the multiplications the plain lowering is as fast or faster:
 * measured with narrow networks at a block of 16, where steps at 2.2 times are 1.2 to 1.7 times faster blocked (VGG-13 and
 * ResNet-18 at width 4), at 1.9 times 1.1 (GoogLeNet at width 8), and at 4.0 times 0.8 (GoogLeNet at width 4).
 */
const MOST_PADDING = 2.5;

/**
 * Makes a lowering for a network: the process's device's own; on the processor blocked where it has the operators and
 * padding pays, else plain. Sequences have one of their own, in standard operators.
 *
 * @param wanted one lowering whatever the device; `blocked` is still not taken where it does not pay
 */
export async function chooseLowering(network: Network, batch: number, wanted?: LoweringKind): Promise<Lowering> {
  if (network.input.tokens) return new TokenLowering(batch);
  if ((wanted ?? processDevice()) === "webgpu") return new WebGpuLowering(batch);
  const block = wanted === "plain" ? undefined : await channelBlock();
  const pays = block !== undefined && networkPadding(network, block) <= MOST_PADDING;
  return pays ? new BlockedLowering(batch, block) : new PlainLowering(batch);
}
