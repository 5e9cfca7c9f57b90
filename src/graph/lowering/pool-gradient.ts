import type { GraphBuilder } from "../onnx.ts";

/** A tensor's positions as `[outer, height, width, inner]`: what a lowering's layout looks like to a pooling window. */
export type Positions = readonly [outer: number, height: number, width: number, inner: number];

/** Rows come one below the other along the height; positions of a row along the width. */
export type Axis = "height" | "width";

/** HardSigmoid with these is 1 at 0 and 0 below: a step that falls off at once. */
export const STEP = { alpha: 1e20, beta: 1 };

/** 1 where `x` reaches the window's maximum `y` (difference 0), 0 below it. */
export function reaches(graph: GraphBuilder, x: string, y: string): string {
  return graph.op("HardSigmoid", [graph.op("Sub", [x, y])], {
    alpha: { float: STEP.alpha },
    beta: { float: STEP.beta },
  });
}

/** What a pooling gradient along one axis is made of. Neighbours beyond the border are 0. */
export interface AxisOperators {
  /** `v[i+1]` at `i`. */
  next(v: string): string;
  /** {@link reaches} of `x[i]` and `y[i+1]` at `i`. */
  reachesNext(x: string, y: string): string;
  /** {@link reaches}, where `x` is wanted nowhere else. */
  reaches(x: string, y: string): string;
  /** `kept[i] + (dy − kept)[i−1]` at `i`. */
  passOn(dy: string, kept: string): string;
  /** `a[i] − b[i−1]` at `i`. */
  minusPrevious(a: string, b: string): string;
}

/** An axis of one pool: its windows are `{2i−1, 2i, 2i+1}` at stride 2, `{i−1, i, i+1}` at stride 1. */
export interface AxisPool {
  /** What was pooled. */
  x: string;
  /** The maxima of `{before, centre}`, the window without its last position. */
  upToCentre: string;
  /** The maxima, and their gradient. */
  y: string;
  dy: string;
}

/**
 * Gradient of max pooling along one axis with windows of 3, padding 1 and stride 1. The first position of a window that
 * reaches its maximum takes the gradient, as in PyTorch; ties are real here, because overlapping windows that are pooled
 * again hand on the same value several times.
 *
 * Few passes over memory: a position takes all that the next window has for the position before its centre, and what
 * its own window has for both first positions; of that, what belonged to the one before has been given to it already,
 * and goes off again with all that its window has for the position behind it.
 */
export function axisPoolGradient(graph: GraphBuilder, on: AxisOperators, { x, upToCentre, y, dy }: AxisPool): string {
  const asBefore = graph.op("Mul", [on.next(dy), on.reachesNext(x, y)]);
  const asFirstTwo = graph.op("Mul", [dy, on.reaches(upToCentre, y)]);
  return on.passOn(dy, graph.op("Add", [asBefore, asFirstTwo]));
}

/**
 * The same at stride 2.
 *
 * @param odd `x` at the odd positions
 * @returns the gradient at the even positions, the centres, and at the odd ones
 */
export function axisPoolGradientStride2(
  graph: GraphBuilder,
  on: AxisOperators,
  { odd, upToCentre, y, dy }: Omit<AxisPool, "x"> & { odd: string },
): { even: string; odd: string } {
  const asBefore = graph.op("Mul", [on.next(dy), on.reachesNext(odd, y)]);
  const asFirstTwo = graph.op("Mul", [dy, on.reaches(upToCentre, y)]);
  return {
    even: on.minusPrevious(asFirstTwo, asBefore),
    odd: graph.op("Add", [asBefore, graph.op("Sub", [dy, asFirstTwo])]),
  };
}

/** {@link AxisOperators} of standard operators, for any layout. */
export function plainAxisOperators(graph: GraphBuilder, positions: Positions, axis: Axis): AxisOperators {
  const [outer, height, width, inner] = positions;
  const step = axis === "height" ? width * inner : inner;
  const lines = axis === "height" ? [outer, height * step] : [outer * height, width * step];
  // Cutting at one end what is padded at the other takes one pass; padding one axis of four is ten times slower.
  const moved = (v: string, by: number) => {
    const pads = graph.integers([0, by, 0, -by]);
    return graph.reshape(graph.op("Pad", [graph.reshape(v, lines), pads]), [...positions]);
  };
  const next = (v: string) => moved(v, -step);
  return {
    next,
    reachesNext: (x, y) => reaches(graph, x, next(y)),
    reaches: (x, y) => reaches(graph, x, y),
    passOn: (dy, kept) => graph.op("Add", [kept, moved(graph.op("Sub", [dy, kept]), step)]),
    minusPrevious: (a, b) => graph.op("Sub", [a, moved(b, step)]),
  };
}
