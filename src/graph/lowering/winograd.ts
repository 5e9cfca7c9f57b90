import type { GraphBuilder } from "../onnx.ts";
import type { ConvShape, FeatureSize } from "./lowering.ts";

/**
 * 3×3 convolutions of stride 1 and padding 1 on small maps by Winograd's minimal filtering F(2×2, 3×3) (Lavin and Gray,
 * "Fast Algorithms for Convolutional Neural Networks", CVPR 2016): every 2×2 tile of the output takes 16 multiplications
 * per pair of channels in place of 36. Maps are values `[H·W, N·C]`, position by position, so that all transforms are
 * matrix products with small constant matrices, and what lies between is 16 products of channels with channels.
 *
 * The gradients are the adjoints of the same steps, so they share the transforms.
 */
export interface WinogradShape {
  batch: number;
  /** Height and width, even. */
  side: number;
  inputs: number;
  outputs: number;
}

/** Whether a convolution of these channels is faster this way than directly; bounds in docs/benchmarks.md. */
export function winogradPays(x: FeatureSize, shape: ConvShape, batch: number): boolean {
  return applies(x, shape, batch) && Math.sqrt(x.channels * shape.out) >= (x.height > 4 ? 192 : 128);
}

/** The same of the weight gradient; what is beside it runs slower, so less is enough. @param rows channels of dy */
export function winogradGradientPays(x: FeatureSize, shape: ConvShape, rows: number, batch: number): boolean {
  return applies(x, shape, batch) && Math.sqrt(x.channels * rows) >= 128;
}

/** On larger maps the transforms' traffic costs what the products save; fewer tiles are too few rows for these. */
function applies(x: FeatureSize, { kernel, stride, padding }: ConvShape, batch: number): boolean {
  if (kernel !== 3 || stride !== 1 || padding !== 1) return false;
  if (x.height !== x.width || x.height % 2 !== 0 || x.height > 8) return false;
  return (x.height / 2) ** 2 * batch >= 64;
}

const INPUT = [
  [1, 0, -1, 0],
  [0, 1, 1, 0],
  [0, -1, 1, 0],
  [0, 1, 0, -1],
];
const FILTER = [
  [1, 0, 0],
  [0.5, 0.5, 0.5],
  [0.5, -0.5, 0.5],
  [0, 0, 1],
];
const OUTPUT = [
  [1, 1, 1, 0],
  [0, 1, -1, -1],
];
/** Points of a transformed tile along one direction. */
const POINTS = 4;

/** `[H·W, N·outputs]` of x `[H·W, N·inputs]` and OHWI weights. */
export function winogradConv(graph: GraphBuilder, x: string, weight: string, shape: WinogradShape): string {
  const products = multiply(graph, transformedInput(graph, x, shape), transformedFilter(graph, weight, shape), {
    transB: 1,
  });
  return toPositions(graph, products, outputTransform(graph, shape.side, false), shape, shape.outputs);
}

/** Gradient at x, `[H·W, N·inputs]`, of dy `[H·W, N·outputs]`. */
export function winogradInputGradient(graph: GraphBuilder, dy: string, weight: string, shape: WinogradShape): string {
  const products = multiply(graph, transformedGradient(graph, dy, shape), transformedFilter(graph, weight, shape), {});
  return toPositions(graph, products, inputTransform(graph, shape.side, true), shape, shape.inputs);
}

/** Gradient at the weights, OHWI. */
export function winogradWeightGradient(graph: GraphBuilder, x: string, dy: string, shape: WinogradShape): string {
  const { inputs, outputs } = shape;
  const products = multiply(graph, transformedGradient(graph, dy, shape), transformedInput(graph, x, shape), {
    transA: 1,
  });
  const summed = graph.op("ReduceSum", [products, graph.integers([1])], { keepdims: 0 });
  const flat = graph.reshape(summed, [POINTS ** 2, outputs * inputs]);
  const taps = graph.reshape(graph.op("MatMul", [filterTransform(graph, true), flat]), [9, outputs, inputs]);
  return graph.reshape(graph.transpose(taps, [1, 0, 2]), [outputs, 3, 3, inputs]);
}

function transformedInput(graph: GraphBuilder, x: string, shape: WinogradShape): string {
  return toTiles(graph, x, inputTransform(graph, shape.side, false), shape, shape.inputs);
}

function transformedGradient(graph: GraphBuilder, dy: string, shape: WinogradShape): string {
  return toTiles(graph, dy, outputTransform(graph, shape.side, true), shape, shape.outputs);
}

/** Down the columns, then along the rows: `[point, tile, point, tile·N, C]`. */
function toTiles(graph: GraphBuilder, x: string, matrix: string, { batch, side }: WinogradShape, c: number): string {
  const tiles = side / 2;
  const down = graph.op("MatMul", [matrix, graph.reshape(x, [side, side * batch * c])]);
  const along = graph.op("MatMul", [matrix, graph.reshape(down, [POINTS * tiles, side, batch * c])]);
  return graph.reshape(along, [POINTS, tiles, POINTS, tiles * batch, c]);
}

/** The way back, `[H·W, N·C]`. */
function toPositions(graph: GraphBuilder, x: string, matrix: string, { batch, side }: WinogradShape, c: number) {
  const values = POINTS * (side / 2);
  const along = graph.op("MatMul", [matrix, graph.reshape(x, [values, values, batch * c])]);
  const down = graph.op("MatMul", [matrix, graph.reshape(along, [values, side * batch * c])]);
  return graph.reshape(down, [side * side, batch * c]);
}

/** `[point, 1, point, outputs, inputs]`. */
function transformedFilter(graph: GraphBuilder, weight: string, { inputs, outputs }: WinogradShape): string {
  const taps = graph.transpose(graph.reshape(weight, [outputs, 9, inputs]), [1, 0, 2]);
  const flat = graph.op("MatMul", [filterTransform(graph, false), graph.reshape(taps, [9, outputs * inputs])]);
  return graph.reshape(flat, [POINTS, 1, POINTS, outputs, inputs]);
}

function multiply(graph: GraphBuilder, a: string, b: string, options: { transA?: number; transB?: number }): string {
  return graph.op("FusedMatMul", [a, b], options, "com.microsoft");
}

/** From positions to the points of all tiles along one direction, `[4·tiles, side]`, or its transpose. */
function inputTransform(graph: GraphBuilder, side: number, transposed: boolean): string {
  // Tile j reads the positions 2j − 1 … 2j + 2; those outside the map are zeros.
  const at = (row: number, position: number) => {
    const [point, tile] = [Math.floor((2 * row) / side), row % (side / 2)];
    return INPUT[point][position - 2 * tile + 1] ?? 0;
  };
  return matrix(graph, `winograd_input_${side}`, [2 * side, side], transposed, at);
}

/** From the points of all tiles to positions along one direction, `[side, 4·tiles]`, or its transpose. */
function outputTransform(graph: GraphBuilder, side: number, transposed: boolean): string {
  const at = (position: number, column: number) => {
    const [point, tile] = [Math.floor((2 * column) / side), column % (side / 2)];
    return OUTPUT[position - 2 * tile]?.[point] ?? 0;
  };
  return matrix(graph, `winograd_output_${side}`, [side, 2 * side], transposed, at);
}

/** From the taps to the points, both directions at once: `[16, 9]`, or its transpose. */
function filterTransform(graph: GraphBuilder, transposed: boolean): string {
  const at = (row: number, tap: number) => FILTER[row >> 2][Math.floor(tap / 3)] * FILTER[row & 3][tap % 3];
  return matrix(graph, "winograd_filter", [POINTS ** 2, 9], transposed, at);
}

function matrix(
  graph: GraphBuilder,
  name: string,
  [rows, columns]: [rows: number, columns: number],
  transposed: boolean,
  at: (row: number, column: number) => number,
): string {
  if (!transposed) return graph.vector(name, [rows, columns], (i) => at(Math.floor(i / columns), i % columns));
  return graph.vector(`${name}_back`, [columns, rows], (i) => at(i % rows, Math.floor(i / rows)));
}
