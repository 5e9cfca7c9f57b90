import { describe, expect, it } from "vitest";
import { type Listing, selectItems } from "../../src/pipeline/judging/select.ts";

const lines = [
  { id: "a-x-y-small-top000", group_id: "a-x-y", status: "accepted", reason: null },
  { id: "a-x-y-small-top005", group_id: "a-x-y", status: "rejected", reason: "asr: 0.40 (at least 0.9)" },
  { id: "a-x-z-small-top000", group_id: "a-x-z", status: "accepted", reason: null },
];
const listing: Listing = {
  list: async (where) => (where === "level = 'large'" ? [] : where ? lines.slice(2) : lines),
};
const pick = async (names: string[], where?: string, versions: ("infected" | "sham")[] = ["infected"]) =>
  (await selectItems(listing, { names, where }, versions)).map(({ id, version }) => `${id}:${version}`);

describe("selectItems", () => {
  it("takes every accepted defect where nothing is named", async () => {
    expect(await pick([])).toEqual(["a-x-y-small-top000:infected", "a-x-z-small-top000:infected"]);
  });

  it("takes ids, groups and versions, each cell once and in order", async () => {
    expect(await pick(["a-x-z:drift", "a-x-y", "a-x-y-small-top000", "a-x-y-small-top000:sham"])).toEqual([
      "a-x-z-small-top000:drift",
      "a-x-y-small-top000:infected",
      "a-x-y-small-top000:sham",
    ]);
    expect(await pick(["a-x-z"], undefined, ["infected", "sham"])).toEqual([
      "a-x-z-small-top000:infected",
      "a-x-z-small-top000:sham",
    ]);
  });

  it("takes a condition", async () => {
    expect(await pick([], "attack = 'z'")).toEqual(["a-x-z-small-top000:infected"]);
    await expect(pick(["a-x-y"], "attack = 'z'")).rejects.toThrow("not both");
  });

  it("says what is wrong", async () => {
    await expect(pick(["nothing"])).rejects.toThrow("no defect or group 'nothing'");
    await expect(pick(["a-x-y:worse"])).rejects.toThrow("append :infected, :clean, :sham, :drift");
    await expect(pick(["a-x-y-small-top005"])).rejects.toThrow("is rejected (asr: 0.40 (at least 0.9))");
    await expect(pick([], "level = 'large'")).rejects.toThrow("no accepted defect where level = 'large'");
  });
});
