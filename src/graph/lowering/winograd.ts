import { inferShapes, type Network, weightedNodes } from "../network.ts";
import type { GraphBuilder } from "../onnx.ts";
import { convShape } from "../ops/weighted.ts";
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
/** Up to this side of a map both directions of a transform are done in one product. */
const ONE_PRODUCT_SIDE = 4;
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

/** Whether batches of two sizes are computed by the same tiles, forward. */
export function computesAlike(network: Network, one: number, other: number): boolean {
  const shapes = inferShapes(network);
  return weightedNodes(network).every((node) => {
    const [channels, height, width] = shapes.get(node.input)!;
    const tile = (batch: number) => winogradTile({ channels, height, width }, convShape(node), batch);
    return tile(one) === tile(other);
  });
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
  return toPositions(graph, products, outputTransform(shape), shape, shape.outputs);
}

/** Gradient at x, `[H·W, N·inputs]`, of dy `[H·W, N·outputs]`. */
export function winogradInputGradient(graph: GraphBuilder, dy: string, weight: string, shape: WinogradShape): string {
  const filter = transformedFilter(graph, weight, shape, true);
  const products = multiply(graph, transformedGradient(graph, dy, shape), filter, {});
  return toPositions(graph, products, back(inputTransform(shape)), shape, shape.inputs);
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
  return toTiles(graph, x, inputTransform(shape), shape, shape.inputs);
}

function transformedGradient(graph: GraphBuilder, dy: string, shape: WinogradShape): string {
  return toTiles(graph, dy, back(outputTransform(shape)), shape, shape.outputs);
}

/** `[point, tile, point, tile·N, C]` of `[H·W, N·C]`. */
function toTiles(
  graph: GraphBuilder,
  x: string,
  by: Transform,
  { batch, side, tile }: WinogradShape,
  channels: number,
) {
  const [points, tiles] = [pointsOf(tile), side / tile];
  return graph.reshape(transformed(graph, x, by, batch * channels), [points, tiles, points, tiles * batch, channels]);
}

/** The way back, `[H·W, N·C]`. */
function toPositions(graph: GraphBuilder, x: string, by: Transform, { batch, side }: WinogradShape, channels: number) {
  return graph.reshape(transformed(graph, x, by, batch * channels), [side * side, batch * channels]);
}

/**
 * Both directions of a map, `[to, to·columns]` or `[to·to, columns]` of `[from·from, columns]`. Where there is one tile, its
 * matrix is so small that both are done in one product; else one after the other takes fewer multiplications.
 */
function transformed(graph: GraphBuilder, x: string, { name, shape, at }: Transform, columns: number): string {
  const [to, from] = shape;
  if (Math.min(to, from) <= ONE_PRODUCT_SIDE) {
    const both = graph.vector(`${name}_both`, [to * to, from * from], (i) => {
      const [row, column] = [Math.floor(i / from ** 2), i % from ** 2];
      return at(Math.floor(row / to), Math.floor(column / from)) * at(row % to, column % from);
    });
    return graph.op("MatMul", [both, graph.reshape(x, [from * from, columns])]);
  }
  const matrix = graph.vector(name, [to, from], (i) => at(Math.floor(i / from), i % from));
  const down = graph.op("MatMul", [matrix, graph.reshape(x, [from, from * columns])]);
  return graph.op("MatMul", [matrix, graph.reshape(down, [to, from, columns])]);
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

/** A matrix along one direction of a map, `[to, from]`. */
interface Transform {
  name: string;
  shape: [to: number, from: number];
  at(row: number, column: number): number;
}

/** The transposed matrix. */
function back({ name, shape: [to, from], at }: Transform): Transform {
  return { name: `${name}_back`, shape: [from, to], at: (row, column) => at(column, row) };
}

/** From positions to the points of all tiles along one direction, `[points·tiles, side]`. */
function inputTransform({ side, tile }: WinogradShape): Transform {
  const tiles = side / tile;
  // Tile j reads the positions tile·j − 1 … tile·(j + 1); those outside the map are zeros.
  const at = (row: number, position: number) => {
    const [point, j] = [Math.floor(row / tiles), row % tiles];
    return MATRICES[tile].input[point][position - tile * j + 1] ?? 0;
  };
  return { name: `winograd_input_${tile}_${side}`, shape: [pointsOf(tile) * tiles, side], at };
}

/** From the points of all tiles to positions along one direction, `[side, points·tiles]`. */
function outputTransform({ side, tile }: WinogradShape): Transform {
  const tiles = side / tile;
  const at = (position: number, column: number) => {
    const [point, j] = [Math.floor(column / tiles), column % tiles];
    return MATRICES[tile].output[position - tile * j]?.[point] ?? 0;
  };
  return { name: `winograd_output_${tile}_${side}`, shape: [side, pointsOf(tile) * tiles], at };
}

/** From the taps to the points, both directions at once: `[points², 9]`, or its transpose. */
function filterTransform(graph: GraphBuilder, tile: Tile, transposed: boolean): string {
  const [{ filter }, points] = [MATRICES[tile], pointsOf(tile)];
  const at = (row: number, tap: number) =>
    filter[Math.floor(row / points)][Math.floor(tap / 3)] * filter[row % points][tap % 3];
  const rows = points ** 2;
  if (!transposed) return graph.vector(`winograd_filter_${tile}`, [rows, 9], (i) => at(Math.floor(i / 9), i % 9));
  return graph.vector(`winograd_filter_${tile}_back`, [9, rows], (i) => at(i % rows, Math.floor(i / rows)));
}
