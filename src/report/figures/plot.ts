import { type Config, parse, type Spec, View } from "vega";

/** Series colours that stand out on white and on near-black alike. */
export const SERIES = {
  infected: "#d4513c",
  sham: "#3f8fc4",
  clean: "#4c9f70",
  effective: "#8c63c7",
  neutral: "#8a929e",
  amber: "#c98a1b",
} as const;

const INK = "currentColor";

const CONFIG: Config = {
  background: undefined,
  axis: {
    domainColor: INK,
    domainOpacity: 0.35,
    tickColor: INK,
    tickOpacity: 0.35,
    gridColor: INK,
    gridOpacity: 0.12,
    labelColor: INK,
    titleColor: INK,
    titleFontWeight: "normal",
    labelFontSize: 11,
    titleFontSize: 12,
    labelFont: "system-ui, sans-serif",
    titleFont: "system-ui, sans-serif",
  },
  legend: {
    labelColor: INK,
    titleColor: INK,
    labelFontSize: 11,
    labelFont: "system-ui, sans-serif",
    orient: "top",
  },
};

/** Draws a Vega specification as an `<svg>` element, without a browser. */
export async function drawPlot(spec: Spec): Promise<string> {
  const view = new View(parse({ ...spec, padding: 4 }, CONFIG), { renderer: "none" });
  try {
    // Roles of every tick would be read out one by one; the figure's own description says more.
    return (await view.toSVG()).replace(/ (role|aria-[a-z]+)="[^"]*"/g, "");
  } finally {
    view.finalize();
  }
}
