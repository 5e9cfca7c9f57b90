import { expect, test } from "vitest";
import { ALLOCATORS, type Allocator } from "../../bench/allocators.ts";
import { CRITERION_SETUPS, criterionSetupName } from "../../bench/criterion-setups.ts";
import { searchSetups } from "../../bench/fastest-setup.ts";
import { WORKLOADS } from "../../bench/job.ts";
import { allocatorsOn, PLAIN, setupName, waysOf, waysOfTexts } from "../../bench/torch-setups.ts";

const nameOf = ({ way, allocator }: { way: string; allocator: Allocator }) => `${way} ${allocator}`;
const ways = ["slow", "quick"].map((way) => ({ way, allocator: "default" as const }));
const speedOf = async ({ way, allocator }: { way: string; allocator: Allocator }) =>
  (way === "quick" ? 10 : 1) + ALLOCATORS.indexOf(allocator);

test("ways are tried with an allocator that keeps its memory, allocators with the best way", async () => {
  const tried = await searchSetups(ways, ["default", "glibc-keeps", "jemalloc"], nameOf, speedOf);
  expect(tried.map(({ name }) => name)).toEqual([
    "quick jemalloc",
    "quick glibc-keeps",
    "quick default",
    "slow glibc-keeps",
  ]);
});

test("a way that fails is told and never the fastest; where all fail the search does", async () => {
  const fail = async (setup: (typeof ways)[number]) => {
    if (setup.way === "quick") throw new Error("no such card");
    return speedOf(setup);
  };
  const tried = await searchSetups(ways, ["default"], nameOf, fail);
  expect(tried.map(({ name, failure }) => [name, failure])).toEqual([
    ["slow default", undefined],
    ["quick default", "no such card"],
  ]);
  await expect(searchSetups(ways.slice(1), ["default"], nameOf, fail)).rejects.toThrow("no such card");
});

test("on a card every workload is searched by layout and timed kernels, inference frozen too, with one allocator", () => {
  for (const what of WORKLOADS) {
    const found = waysOf(what, "cuda");
    const names = found.map(setupName);
    expect(names).toContain(setupName(PLAIN));
    expect(names).toContain(setupName({ ...PLAIN, layout: "channels-last", timed: true }));
    expect(found.some(({ frozen }) => frozen)).toBe(what === "infer" || what === "logits");
  }
  expect(allocatorsOn("cuda")).toEqual(["default"]);
});

test("on texts batches are tried whole and in parts, with either form of the optimizer", () => {
  const names = waysOfTexts().map(setupName);
  expect(new Set(names).size).toBe(6);
  expect(names[0]).toBe(setupName(PLAIN));
  expect(names).toContain("eager, 4 parts by length, foreach");
});

test("a criterion's setups have names of their own, and the first is the published procedure", () => {
  for (const [criterion, setups] of Object.entries(CRITERION_SETUPS)) {
    expect(new Set(setups.map(criterionSetupName)).size).toBe(setups.length);
    expect(setups[0]).toMatchObject({ layout: "channels-first", ways: [], allocator: "default" });
    expect(setups[0].criterion.startsWith(criterion)).toBe(true);
  }
});
