import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexNeurons } from "../../src/core/neuron-index.ts";
import { quantiles, shade, stripsSvg } from "../../src/report/figures/strips.ts";

describe("quantiles", () => {
  it("rank scores whatever their scale, ties alike", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1 }), (list) => {
        const ranks = quantiles(Float64Array.from(list));
        expect(quantiles(Float64Array.from(list, (v) => Math.exp(v)))).toEqual(ranks);
        list.forEach((a, i) => {
          const below = list.filter((b) => b < a).length;
          const ties = list.filter((b) => b === a).length;
          expect(ranks[i]).toBeCloseTo((below + ties / 2) / list.length);
        });
      }),
    );
  });

  it("say nothing where a criterion says nothing", () => {
    expect([...quantiles(new Float64Array(4).fill(7))]).toEqual([0.5, 0.5, 0.5, 0.5]);
  });

  it("fall into six shades", () => {
    expect([0, 0.5, 0.6, 0.9, 0.94, 0.95, 0.98, 0.995, 1].map(shade)).toEqual([0, 0, 1, 2, 3, 3, 4, 5, 5]);
  });
});

describe("stripsSvg", () => {
  const steps = (svg: string, name: string) => {
    const path = new RegExp(`<path class="${name}"[^>]* d="([^"]*)"`).exec(svg);
    return path ? path[1].split("M").length - 1 : 0;
  };
  const cells = (svg: string) => [0, 1, 2, 3, 4, 5].reduce((sum, q) => sum + steps(svg, `q${q}`), 0);

  it("draws one cell per neuron, and a tick per infected, effective and named one", () => {
    const index = indexNeurons([
      { name: "conv1", width: 4 },
      { name: "conv2", width: 8 },
    ]);
    const at = (...places: number[]) => Uint8Array.from({ length: 12 }, (_, i) => (places.includes(i) ? 1 : 0));
    const scores = Float64Array.from({ length: 12 }, (_, i) => i);
    const svg = stripsSvg(index, { scores, infected: at(1, 5, 6), effective: at(5), named: at(11) });
    expect(cells(svg)).toBe(12);
    expect([steps(svg, "effective"), steps(svg, "passenger"), steps(svg, "named")]).toEqual([1, 2, 1]);
    expect(svg.match(/<text/g)).toHaveLength(2);
  });

  it("bins wide layers by their most suspicious neuron, and keeps every tick", () => {
    const index = indexNeurons([{ name: "wide", width: 512 }]);
    const scores = new Float64Array(512);
    scores[300] = 1;
    const infected = new Uint8Array(512).fill(1, 0, 8);
    const svg = stripsSvg(index, { scores, infected, effective: new Uint8Array(512) });
    expect(cells(svg)).toBe(128);
    expect(steps(svg, "q5")).toBe(1);
    expect(steps(svg, "passenger")).toBe(8);
  });
});
