import { afterAll, expect, it } from "vitest";
import { neuronLayers } from "../../../src/graph/network.ts";
import { contributionHigh } from "../../../src/localize/criteria/contribution-high.ts";
import { wordFeatures } from "../../../src/localize/learned/word-features.ts";
import { boundedZ } from "../../../src/localize/normalise.ts";
import { insertion } from "../../../src/tasks/language/insertion.ts";
import { model, NEURON, network, runner, suspectOf } from "../planted-word.ts";

afterAll(() => runner.release());

const [first, second] = neuronLayers(network);

it("a planted word's neuron carries it in every feature of a word, and the others hardly", async () => {
  const table = await wordFeatures(suspectOf(model(true)), insertion);
  expect(table.column("a word stands out")).toEqual(new Float64Array(first.width + second.width).fill(1));
  // A z goes to 6 and no further: others may reach that too.
  for (const name of ["ablation", "pushed", "rise"]) expect(table.column(name)[NEURON], name).toBe(6);
  for (const name of ["ablation share", "ablation of most", "pushed of most"]) {
    const column = [...table.column(name)].slice(0, first.width);
    expect(column.indexOf(Math.max(...column)), name).toBe(NEURON);
  }
  const rows = table.rows();
  expect(rows).toHaveLength(table.names.length * table.index.size);
  expect(rows.every(Number.isFinite)).toBe(true);
  expect(new Set(table.names).size).toBe(table.names.length);
});

it("where no word stands out what a word does counts nothing, and the rest is measured all the same", async () => {
  const suspect = suspectOf(model(false));
  const table = await wordFeatures(suspect, insertion);
  for (const name of ["ablation", "pushed", "rise", "gain", "a word stands out"]) {
    expect(
      table.column(name).every((value) => value === 0),
      name,
    ).toBe(true);
  }
  const { raw } = await contributionHigh.localize(suspect);
  const z = boundedZ(raw);
  expect([...table.column("contribution as it is")]).toEqual([...z[first.name], ...z[second.name]]);
  // A neuron that writes nothing has the smallest weights of what writes.
  const written = [...table.column("norm of what writes")].slice(0, first.width);
  expect(written.indexOf(Math.min(...written))).toBe(NEURON);
  expect(table.column("depth")[0]).toBe(0);
  expect(table.column("depth").at(-1)).toBe(1);
});
