import type { GraphBuilder } from "../onnx.ts";

/** A tensor's positions as `[outer, height, width, inner]`: what a lowering's layout looks like to a pooling window. */
export type Positions = readonly [outer: number, height: number, width: number, inner: number];

/** 1 where `x` reaches the window's maximum `y` (difference 0), 0 below it: a step that falls off at once. */
export function reaches(graph: GraphBuilder, x: string, y: string): string {
  return graph.op("HardSigmoid", [graph.op("Sub", [x, y])], { alpha: { float: 1e20 }, beta: { float: 1 } });
}

/**
 * Gradient of max pooling along one axis with windows of 3, padding 1 and stride 1 or 2. The first position of a window
 * that reaches its maximum takes the gradient; ties are real here, because overlapping windows that are pooled again
 * hand on the same value several times.
 *
 * @param x what was pooled, `[outer, h, w, inner]`
 * @param y its maxima, and @param dy their gradient; along `axis` shorter by the stride
 */
export function axisPoolGradient(
  graph: GraphBuilder,
  [outer, height, width, inner]: Positions,
  axis: 1 | 2,
  stride: number,
  { x, y, dy }: { x: string; y: string; dy: string },
): string {
  const extent = axis === 1 ? height : width;
  const count = extent / stride;
  const pooled = axis === 1 ? [outer, count, width, inner] : [outer, height, count, inner];
  const [input, maxima, gradient] = [
    graph.reshape(x, [outer, height, width, inner]),
    graph.reshape(y, pooled),
    graph.reshape(dy, pooled),
  ];
  const everyStride = (value: string) => {
    if (stride === 1) return value;
    const [from, to, along, step] = [[0], [extent], [axis], [stride]].map((values) => graph.integers(values));
    return graph.op("Slice", [value, from, to, along, step]);
  };
  const step = axis === 1 ? width * inner : inner;
  const pooledStep = axis === 1 || stride === 1 ? step : inner;
  // A window reads the positions before, at and after its centre; whoever is last takes what is left. The first window
  // has nothing before it: what a flat shift brings there is another row's.
  const before = everyStride(shifted(graph, input, [outer, height, width, inner], step));
  const first = graph.vector(`none_before_${count}`, axis === 1 ? [count, 1, 1] : [count, 1], (i) => (i === 0 ? 0 : 1));
  const fromBefore = graph.op("Mul", [reaches(graph, before, maxima), first]);
  const toBefore = graph.op("Mul", [gradient, fromBefore]);
  const left = graph.op("Sub", [gradient, toBefore]);
  const toCentre = graph.op("Mul", [left, reaches(graph, everyStride(input), maxima)]);
  const toAfter = graph.op("Sub", [left, toCentre]);

  const earlier = shifted(graph, toBefore, pooled, -pooledStep);
  if (stride === 1) {
    return graph.op("Add", [graph.op("Add", [toCentre, earlier]), shifted(graph, toAfter, pooled, pooledStep)]);
  }
  // At stride 2 even positions are centres, odd ones lie after one window's centre and before the next one's.
  const odd = graph.op("Add", [toAfter, earlier]);
  const cells = axis === 1 ? [outer, count, 1, width * inner] : [outer * height, count, 1, inner];
  const joined = graph.op(
    "Concat",
    [toCentre, odd].map((value) => graph.reshape(value, cells)),
    { axis: 2 },
  );
  return graph.reshape(joined, [outer, height, width, inner]);
}

/**
 * All values moved by `by` places in memory, zeros at the end that is left free. Two plain copies: padding one axis of
 * four is ten times slower in ONNX Runtime.
 */
function shifted(graph: GraphBuilder, value: string, shape: number[], by: number): string {
  const length = shape.reduce((product, n) => product * n, 1);
  const [from, to] = by > 0 ? [0, length - by] : [-by, length];
  const flat = graph.reshape(value, [length]);
  const kept = graph.op("Slice", [flat, graph.integers([from]), graph.integers([to]), graph.integers([0])]);
  const zeros = graph.filled(Math.abs(by), 0);
  return graph.reshape(graph.op("Concat", by > 0 ? [zeros, kept] : [kept, zeros], { axis: 0 }), shape);
}
