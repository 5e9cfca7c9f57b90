import type { Spec } from "vega";
import { drawPlot } from "./plot.ts";

/** One line: points in order. */
export interface Line {
  series: string;
  points: { x: number; y: number }[];
}

/** Lines over a whole-numbered x, such as epochs. */
export function linePlot(
  lines: Line[],
  axes: { x: string; y: string; from?: number; to?: number },
  colours: readonly string[],
): Promise<string> {
  const values = lines.flatMap(({ series, points }) => points.map((point) => ({ series, ...point })));
  const ys = values.map(({ y }) => y);
  const names = lines.map(({ series }) => series);
  const at = { x: { scale: "x", field: "x" }, y: { scale: "y", field: "y" } };
  const colour = { scale: "colour", field: "series" };
  const spec = {
    width: 330,
    height: 170,
    data: [{ name: "points", values }],
    scales: [
      {
        name: "x",
        type: "linear",
        domain: [Math.min(...values.map(({ x }) => x)), Math.max(...values.map(({ x }) => x))],
        range: "width",
        zero: false,
      },
      {
        name: "y",
        type: "linear",
        domain: [axes.from ?? Math.min(...ys), axes.to ?? Math.max(...ys)],
        range: "height",
        nice: axes.to === undefined,
        zero: false,
      },
      { name: "colour", type: "ordinal", domain: names, range: [...colours] },
    ],
    axes: [
      { orient: "bottom", scale: "x", title: axes.x, tickMinStep: 1, format: "d" },
      { orient: "left", scale: "y", title: axes.y, grid: true, tickCount: 5 },
    ],
    legends: names.length > 1 ? [{ fill: "colour", symbolType: "circle", direction: "vertical" }] : [],
    marks: [
      {
        type: "group",
        from: { facet: { name: "line", data: "points", groupby: "series" } },
        marks: [
          {
            type: "line",
            from: { data: "line" },
            encode: { enter: { ...at, stroke: colour, strokeWidth: { value: 2 } } },
          },
          { type: "symbol", from: { data: "line" }, encode: { enter: { ...at, fill: colour, size: { value: 28 } } } },
        ],
      },
    ],
  } as unknown as Spec;
  return drawPlot(spec);
}
