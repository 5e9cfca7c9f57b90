import { beforeAll, describe, expect, it } from "vitest";
import { reproduce } from "../../src/report/claims/reproduction.ts";
import { collect, type ReportData } from "../../src/report/collect.ts";
import { findings } from "../../src/report/sections/findings.ts";
import { repairs } from "../../src/report/sections/repairs.ts";
import { time } from "../../src/report/sections/time.ts";
import { Results } from "../../src/store/results/results.ts";
import type { SampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { judgedDatabase } from "./fixture.ts";

let sample: SampleDatabase;
let before: ReportData;
let after: ReportData;

beforeAll(async () => {
  sample = await judgedDatabase(`${temporaryFolder()}/db`);
  before = collect(sample.db);
  const results = new Results(sample.db);
  for (const [i, { id, sham_model, metrics }] of sample.accepted.entries()) {
    const known = results.repair("prune", "oracle", id)!;
    const rates = { ca_before: metrics.ca_sham!, asr_before: metrics.asr_sham!, asr_after: metrics.asr_sham! };
    const of = { ...known, version: "sham" as const, model_sha256: sham_model!.decoded_sha256, ...rates };
    results.saveRepair({ ...of, ca_after: metrics.ca_sham! - 0.01 * i });
    results.saveRepair({ ...of, using: "clp", neurons: [], ca_after: metrics.ca_sham! });
  }
  // Of a model that the database no longer holds.
  const [{ id, sham_model }] = sample.accepted;
  const old = results.repair("prune", "oracle", id, "sham")!;
  results.saveRepair({ ...old, version: "clean", model_sha256: sham_model!.decoded_sha256 });
  after = collect(sample.db);
});

describe("repairs of models without a backdoor", () => {
  it("count in nothing that is said of infected ones", async () => {
    expect(after.repairs).toEqual(before.repairs);
    expect(findings(after)).toEqual(findings(before));
    expect(reproduce(after)).toEqual(reproduce(before));
    expect(time(after)).toEqual(time(before));
    const [section, without] = [await repairs(after), await repairs(before)];
    expect(section.tables!.slice(0, -1)).toEqual(without.tables);
    expect(section.figures).toEqual(without.figures);
    expect(section.body.text.startsWith(without.body.text)).toBe(true);
    expect(without.tables!.map(({ name }) => name)).not.toContain("repairs-without-backdoor");
  });

  it("have a table of their own: what was lost, most of all, and how many models were left as they were", async () => {
    const table = (await repairs(after)).tables!.at(-1)!;
    expect(table.name).toBe("repairs-without-backdoor");
    const [oracle, clp] = ["oracle", "clp"].map((using) => table.rows.find((row) => row.using === using)!);
    expect(table.rows).toHaveLength(2);
    const count = sample.accepted.length;
    expect(oracle).toMatchObject({ repaired: "shams", method: "prune", untouched: 0, cases: count });
    expect(oracle.most).toBeCloseTo(0.01 * (count - 1), 12);
    const cad = oracle.cad as { value: number };
    expect(cad.value).toBeCloseTo((oracle.caBefore as number) - (oracle.caAfter as number), 12);
    expect(cad.value).toBeGreaterThan(0);
    expect(clp).toMatchObject({ untouched: 1, most: 0, cad: expect.objectContaining({ value: 0 }) });
  });

  it("of other weights than the database holds are left out and told of", () => {
    const [{ id }] = sample.accepted;
    expect(after.outdated).toEqual([...before.outdated, `repair/prune/oracle/${id}.clean`]);
  });
});
