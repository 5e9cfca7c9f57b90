import { add } from "./add.ts";
import { answer } from "./answer.ts";
import { attention } from "./attention.ts";
import { avgpool } from "./avgpool.ts";
import { concat } from "./concat.ts";
import { conv } from "./conv.ts";
import { dense } from "./dense.ts";
import { embedding } from "./embedding.ts";
import { flatten } from "./flatten.ts";
import { gelu } from "./gelu.ts";
import { globalpool } from "./globalpool.ts";
import { input } from "./input.ts";
import { layernorm } from "./layernorm.ts";
import { linear } from "./linear.ts";
import { maxpool } from "./maxpool.ts";
import type { Op } from "./op.ts";
import { plainconv } from "./plainconv.ts";
import { positions } from "./positions.ts";
import { projection } from "./projection.ts";
import { rmsnorm } from "./rmsnorm.ts";
import { swiglu } from "./swiglu.ts";

/** Every operator that a network may have, by the name that its nodes carry. */
export const OPS = {
  ...{ input, conv, plainconv, add, concat, maxpool, avgpool, globalpool, flatten, dense, linear },
  ...{ embedding, positions, rmsnorm, layernorm, attention, swiglu, gelu, projection, answer },
};

/** A node of a network: one of the operators'. */
export type LayerNode = Parameters<(typeof OPS)[keyof typeof OPS]["inputs"]>[0];

/** A node's operator. */
export function opOf(node: LayerNode): Op<LayerNode> {
  return OPS[node.op] as unknown as Op<LayerNode>;
}
