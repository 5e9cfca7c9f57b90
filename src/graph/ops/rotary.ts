import type { GraphBuilder } from "../onnx.ts";

/**
 * Rotary positions (Su et al. 2021) in the half-split form of Llama: of a head's vector the pair (i, i + h/2) turns by the position
 * times `θ^(−2i/h)`. Products of two rotated vectors depend on the distance of their positions alone.
 *
 * @param x `[…, positions, headSize]`
 */
export function rotate(graph: GraphBuilder, x: string, positions: number, headSize: number, theta: number): string {
  return turned(graph, x, positions, headSize, theta, (a, b) => [graph.op("Neg", [b]), a]);
}

/** The gradient at what was rotated: turned back. */
export function rotateBack(
  graph: GraphBuilder,
  dy: string,
  positions: number,
  headSize: number,
  theta: number,
): string {
  return turned(graph, dy, positions, headSize, theta, (a, b) => [b, graph.op("Neg", [a])]);
}

function turned(
  graph: GraphBuilder,
  x: string,
  positions: number,
  headSize: number,
  theta: number,
  across: (a: string, b: string) => [string, string],
): string {
  const half = headSize / 2;
  const angle = (i: number) => Math.floor(i / headSize) * theta ** (-(i % half) / half);
  const of = (name: string, f: (angle: number) => number) =>
    graph.vector(`${name} of positions ${theta}`, [positions, headSize], (i) => f(angle(i)));
  const [a, b] = graph.ops("Split", [x, graph.integers([half, half])], 2, { axis: -1 });
  const crossed = graph.op("Concat", across(a, b), { axis: -1 });
  return graph.op("Add", [graph.op("Mul", [x, of("cos", Math.cos)]), graph.op("Mul", [crossed, of("sin", Math.sin)])]);
}
