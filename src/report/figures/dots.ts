import type { Spec } from "vega";
import { drawPlot } from "./plot.ts";

/** One dot: a value of a series in a row, with its interval where there is one. */
export interface Dot {
  row: string;
  series: string;
  value: number;
  low?: number | null;
  high?: number | null;
}

export interface DotPlot {
  dots: Dot[];
  /** Series in the legend's order with their colours. */
  series: Record<string, string>;
  axis: string;
  /** Bounds that the axis must at least reach. */
  domain: [number, number];
  /** Where a dashed line stands: no difference, or chance. */
  reference?: number;
  /** Series side by side inside a row, instead of on one line. */
  dodge?: boolean;
}

const ROW = 30;
const MARKS = ["circle", "square", "diamond", "triangle-up", "cross", "triangle-down"];

/** Rows of dots with intervals: a shape and a colour per series, so that neither alone decides. */
export function dotPlot({ dots, series, axis, domain, reference, dodge = false }: DotPlot): Promise<string> {
  const names = Object.keys(series).filter((name) => dots.some((dot) => dot.series === name));
  const rows = [...new Set(dots.map(({ row }) => row))];
  const ends = dots.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value]);
  const [from, to] = [Math.min(domain[0], ...ends), Math.max(domain[1], ...ends)];
  const step = dodge ? Math.min(11, (ROW - 8) / Math.max(1, names.length - 1)) : 0;
  const shift = (name: string) => (names.indexOf(name) - (names.length - 1) / 2) * step;
  const values = dots.map((dot) => ({
    ...dot,
    low: dot.low ?? dot.value,
    high: dot.high ?? dot.value,
    shift: shift(dot.series),
  }));
  const spans = rows.map((row) => {
    const inRow = dots.filter((dot) => dot.row === row).map(({ value }) => value);
    return { row, low: Math.min(...inRow), high: Math.max(...inRow) };
  });
  const y = (offset: object | number) => ({ scale: "y", field: "row", band: 0.5, offset });
  const spec: Spec = {
    width: 400,
    height: ROW * rows.length,
    data: [
      { name: "dots", values },
      { name: "spans", values: dodge ? [] : spans },
    ],
    scales: [
      { name: "x", type: "linear", domain: [from, to], range: "width", nice: true, zero: false },
      { name: "y", type: "band", domain: rows, range: "height" },
      { name: "colour", type: "ordinal", domain: names, range: names.map((name) => series[name]) },
      { name: "shape", type: "ordinal", domain: names, range: names.map((_, i) => MARKS[i % MARKS.length]) },
    ],
    axes: [
      { orient: "bottom", scale: "x", title: axis, grid: true, tickCount: 8 },
      { orient: "left", scale: "y", ticks: false, domain: false, labelPadding: 8, labelLimit: 0 },
    ],
    legends: [{ fill: "colour", shape: "shape", direction: "horizontal", columns: 3, labelLimit: 0 }],
    marks: [
      ...(reference === undefined
        ? []
        : [
            {
              type: "rule" as const,
              encode: {
                enter: {
                  x: { scale: "x", value: reference },
                  y: { value: 0 },
                  y2: { signal: "height" },
                  stroke: { value: "currentColor" },
                  strokeDash: { value: [4, 3] },
                  strokeOpacity: { value: 0.6 },
                },
              },
            },
          ]),
      {
        type: "rule",
        from: { data: "spans" },
        encode: {
          enter: {
            x: { scale: "x", field: "low" },
            x2: { scale: "x", field: "high" },
            y: y(0),
            stroke: { value: "currentColor" },
            strokeOpacity: { value: 0.25 },
          },
        },
      },
      {
        type: "rule",
        from: { data: "dots" },
        encode: {
          enter: {
            x: { scale: "x", field: "low" },
            x2: { scale: "x", field: "high" },
            y: y({ field: "shift" }),
            stroke: { scale: "colour", field: "series" },
            strokeWidth: { value: 2 },
            strokeOpacity: { value: 0.6 },
          },
        },
      },
      {
        type: "symbol",
        from: { data: "dots" },
        encode: {
          enter: {
            x: { scale: "x", field: "value" },
            y: y({ field: "shift" }),
            shape: { scale: "shape", field: "series" },
            fill: { scale: "colour", field: "series" },
            size: { value: 62 },
          },
        },
      },
    ],
  } as Spec;
  return drawPlot(spec);
}
