import { add } from "./add.ts";
import { avgpool } from "./avgpool.ts";
import { concat } from "./concat.ts";
import { conv } from "./conv.ts";
import { dense } from "./dense.ts";
import { flatten } from "./flatten.ts";
import { globalpool } from "./globalpool.ts";
import { input } from "./input.ts";
import { linear } from "./linear.ts";
import { maxpool } from "./maxpool.ts";
import type { Op } from "./op.ts";
import { plainconv } from "./plainconv.ts";

/** Every operator that a network may have, by the name that its nodes carry. */
export const OPS = { input, conv, plainconv, add, concat, maxpool, avgpool, globalpool, flatten, dense, linear };

/** A node of a network: one of the operators'. */
export type LayerNode = Parameters<(typeof OPS)[keyof typeof OPS]["inputs"]>[0];

/** A node's operator. */
export function opOf(node: LayerNode): Op<LayerNode> {
  return OPS[node.op] as unknown as Op<LayerNode>;
}
