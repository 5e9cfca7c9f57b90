import type { GraphBuilder } from "../onnx.ts";
import type { ConvShape, FeatureSize } from "./lowering.ts";
import { minimalFilter } from "./toom-cook.ts";

/**
 * 3×3 convolutions of stride 1 and padding 1 by Winograd's minimal filtering F(T×T, 3×3) (Lavin and Gray, "Fast Algorithms
 * for Convolutional Neural Networks", CVPR 2016): every T×T tile of the output takes (T + 2)² multiplications per pair of
 * channels in place of 9·T². Maps are values `[H·W, N·C]`, position by position, so that all transforms are matrix products
 * with small constant matrices, and what lies between is (T + 2)² products of channels with channels.
 *
 * The gradients are the adjoints of the same steps, so they share the transforms.
 */
export interface WinogradShape {
  batch: number;
  /** Height and width, a multiple of the tile. */
  side: number;
  /** Height and width of a tile of the output. */
  tile: Tile;
  inputs: number;
  outputs: number;
}

export type Tile = keyof typeof MATRICES;

/**
 * From what mean of inputs and outputs on a convolution is faster this way than directly, by the side of its map: measured
 * with `bench/layers.ts`, docs/benchmarks.md. The products saved grow with inputs × outputs and the transforms' traffic
 * with inputs + outputs, so the mean is the harmonic one. What is beside the weight gradient runs slower.
 */
const PAYS_FROM: Record<number, { tile: Tile; forward: number; weights: number }> = {
  2: { tile: 2, forward: 64, weights: 32 },
  4: { tile: 4, forward: 48, weights: 24 },
  8: { tile: 4, forward: 40, weights: 32 },
  16: { tile: 4, forward: 88, weights: 56 },
  32: { tile: 4, forward: 104, weights: 96 },
};
/** Fewer tiles are too few rows for the matrix products. */
const FEWEST_TILES = 64;

/** The tile by which a convolution and its gradient at the input are faster than directly, if any. */
export function winogradTile(x: FeatureSize, shape: ConvShape, batch: number): Tile | undefined {
  return tileFrom(x, shape, shape.out, batch, "forward");
}

/** The same of the weight gradient. @param rows channels of dy */
export function winogradGradientTile(x: FeatureSize, shape: ConvShape, rows: number, batch: number): Tile | undefined {
  return tileFrom(x, shape, rows, batch, "weights");
}

function tileFrom(x: FeatureSize, shape: ConvShape, rows: number, batch: number, what: "forward" | "weights") {
  const bounds = PAYS_FROM[x.height];
  const { kernel, stride, padding } = shape;
  if (!bounds || x.height !== x.width || kernel !== 3 || stride !== 1 || padding !== 1) return undefined;
  const tiles = (x.height / bounds.tile) ** 2 * batch;
  const mean = (2 * x.channels * rows) / (x.channels + rows);
  return tiles >= FEWEST_TILES && mean >= bounds[what] ? bounds.tile : undefined;
}

/** By tile. The points of larger tiles were chosen for the least rounding (docs/benchmarks.md). */
const MATRICES = {
  2: minimalFilter(2, [0, 1, -1]),
  4: minimalFilter(4, [0, 2 / 3, -2 / 3, 3 / 2, -3 / 2]),
};

/** Points of a transformed tile along one direction. */
const pointsOf = (tile: Tile) => tile + 2;

/** `[H·W, N·outputs]` of x `[H·W, N·inputs]` and OHWI weights. */
export function winogradConv(graph: GraphBuilder, x: string, weight: string, shape: WinogradShape): string {
  // Before the input: the runtime computes what was emitted last first, and would begin with the filters of all layers.
  const filter = transformedFilter(graph, weight, shape);
  const products = multiply(graph, transformedInput(graph, x, shape), filter, { transB: 1 });
  return toPositions(graph, products, outputTransform(graph, shape, false), shape, shape.outputs);
}

/** Gradient at x, `[H·W, N·inputs]`, of dy `[H·W, N·outputs]`. */
export function winogradInputGradient(graph: GraphBuilder, dy: string, weight: string, shape: WinogradShape): string {
  const filter = transformedFilter(graph, weight, shape, true);
  const products = multiply(graph, transformedGradient(graph, dy, shape), filter, {});
  return toPositions(graph, products, inputTransform(graph, shape, true), shape, shape.inputs);
}

/** Gradient at the weights, OHWI. */
export function winogradWeightGradient(graph: GraphBuilder, x: string, dy: string, shape: WinogradShape): string {
  const { inputs, outputs, tile, side } = shape;
  const products = multiply(graph, transformedGradient(graph, dy, shape), transformedInput(graph, x, shape), {
    transA: 1,
  });
  const summed = side === tile ? products : graph.op("ReduceSum", [products, graph.integers([1])], { keepdims: 0 });
  const flat = graph.reshape(summed, [pointsOf(tile) ** 2, outputs * inputs]);
  const taps = graph.reshape(graph.op("MatMul", [filterTransform(graph, tile, true), flat]), [9, outputs, inputs]);
  return graph.reshape(graph.transpose(taps, [1, 0, 2]), [outputs, 3, 3, inputs]);
}

function transformedInput(graph: GraphBuilder, x: string, shape: WinogradShape): string {
  return toTiles(graph, x, inputTransform(graph, shape, false), shape, shape.inputs);
}

function transformedGradient(graph: GraphBuilder, dy: string, shape: WinogradShape): string {
  return toTiles(graph, dy, outputTransform(graph, shape, true), shape, shape.outputs);
}

/** Down the columns, then along the rows: `[point, tile, point, tile·N, C]`. */
function toTiles(graph: GraphBuilder, x: string, matrix: string, shape: WinogradShape, channels: number): string {
  const { batch, side, tile } = shape;
  const [points, tiles] = [pointsOf(tile), side / tile];
  const down = graph.op("MatMul", [matrix, graph.reshape(x, [side, side * batch * channels])]);
  const along = graph.op("MatMul", [matrix, graph.reshape(down, [points * tiles, side, batch * channels])]);
  return graph.reshape(along, [points, tiles, points, tiles * batch, channels]);
}

/** The way back, `[H·W, N·C]`. */
function toPositions(graph: GraphBuilder, x: string, matrix: string, shape: WinogradShape, channels: number): string {
  const { batch, side, tile } = shape;
  const values = pointsOf(tile) * (side / tile);
  const along = graph.op("MatMul", [matrix, graph.reshape(x, [values, values, batch * channels])]);
  const down = graph.op("MatMul", [matrix, graph.reshape(along, [values, side * batch * channels])]);
  return graph.reshape(down, [side * side, batch * channels]);
}

/**
 * `[point, 1, point, outputs, inputs]`.
 * @param again by another operator, so that the runtime computes it once more and does not keep it for so long: it is up to
 * four times as large as the weights
 */
function transformedFilter(
  graph: GraphBuilder,
  weight: string,
  { inputs, outputs, tile }: WinogradShape,
  again = false,
): string {
  const first = again
    ? graph.transpose(weight, [1, 2, 0, 3])
    : graph.transpose(graph.reshape(weight, [outputs, 9, inputs]), [1, 0, 2]);
  const flat = graph.op("MatMul", [filterTransform(graph, tile, false), graph.reshape(first, [9, outputs * inputs])]);
  return graph.reshape(flat, [pointsOf(tile), 1, pointsOf(tile), outputs, inputs]);
}

function multiply(graph: GraphBuilder, a: string, b: string, options: { transA?: number; transB?: number }): string {
  return graph.op("FusedMatMul", [a, b], options, "com.microsoft");
}

/** From positions to the points of all tiles along one direction, `[points·tiles, side]`, or its transpose. */
function inputTransform(graph: GraphBuilder, { side, tile }: WinogradShape, transposed: boolean): string {
  const tiles = side / tile;
  // Tile j reads the positions tile·j − 1 … tile·(j + 1); those outside the map are zeros.
  const at = (row: number, position: number) => {
    const [point, j] = [Math.floor(row / tiles), row % tiles];
    return MATRICES[tile].input[point][position - tile * j + 1] ?? 0;
  };
  return matrix(graph, `winograd_input_${tile}_${side}`, [pointsOf(tile) * tiles, side], transposed, at);
}

/** From the points of all tiles to positions along one direction, `[side, points·tiles]`, or its transpose. */
function outputTransform(graph: GraphBuilder, { side, tile }: WinogradShape, transposed: boolean): string {
  const tiles = side / tile;
  const at = (position: number, column: number) => {
    const [point, j] = [Math.floor(column / tiles), column % tiles];
    return MATRICES[tile].output[position - tile * j]?.[point] ?? 0;
  };
  return matrix(graph, `winograd_output_${tile}_${side}`, [side, pointsOf(tile) * tiles], transposed, at);
}

/** From the taps to the points, both directions at once: `[points², 9]`, or its transpose. */
function filterTransform(graph: GraphBuilder, tile: Tile, transposed: boolean): string {
  const [{ filter }, points] = [MATRICES[tile], pointsOf(tile)];
  const at = (row: number, tap: number) =>
    filter[Math.floor(row / points)][Math.floor(tap / 3)] * filter[row % points][tap % 3];
  return matrix(graph, `winograd_filter_${tile}`, [points ** 2, 9], transposed, at);
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
