import { add } from "./add.ts";
import { concat } from "./concat.ts";
import { conv } from "./conv.ts";
import { globalpool } from "./globalpool.ts";
import { input } from "./input.ts";
import { linear } from "./linear.ts";
import { maxpool } from "./maxpool.ts";
import type { Op } from "./op.ts";

/** Every operator that a network may have, by the name that its nodes carry. */
export const OPS = { input, conv, add, concat, maxpool, globalpool, linear };

/** A node of a network: one of the operators'. */
export type LayerNode = Parameters<(typeof OPS)[keyof typeof OPS]["inputs"]>[0];

/** A node's operator. */
export function opOf(node: LayerNode): Op<LayerNode> {
  return OPS[node.op] as unknown as Op<LayerNode>;
}
