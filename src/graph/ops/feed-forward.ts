import type { Share, Unit } from "../units.ts";
import { outputAxis } from "./matrix.ts";
import type { AnyNode } from "./op.ts";
import type { ProjectionNode } from "./projection.ts";
import type { Weighted } from "./weighted.ts";

/** A feed-forward layer's units as neurons: what they read with, and what one projection that alone reads them writes back with. */
export function feedForwardUnit(id: string, width: number, owned: readonly Share[], readers: readonly AnyNode[]): Unit {
  const [reader] = readers as readonly ProjectionNode[];
  const outgoing: Share[] =
    readers.length === 1 && reader.op === "projection"
      ? [{ key: `${reader.id}.weight`, axis: 1 - outputAxis(reader.layout), role: "outgoing" }]
      : [];
  return { id, width, relu: false, owned: [...owned, ...outgoing], statistics: [] };
}

/** A feed-forward layer as those see it who ask for activations and their gradients. */
export function tapOf({ id, input, hidden }: { id: string; input: string; hidden: number }): Weighted {
  return { id, input, out: hidden, kernel: 1, stride: 1, padding: 0, bias: false, relu: false };
}
