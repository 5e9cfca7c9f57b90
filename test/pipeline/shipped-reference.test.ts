import { describe, expect, it } from "vitest";
import { CRITERIA } from "../../src/localize/registry.ts";
import { statisticOf } from "../../src/localize/statistic.ts";
import { openReference } from "../../src/pipeline/own/reference.ts";
import { revisionStamp } from "../../src/records/result.ts";
import { openDatabase } from "../../src/store/database.ts";

/** The reference that ships is of the database that ships, and of the criteria as they are. */

describe("reference/sample.json", () => {
  it("has every model of the sample once, and no other", async () => {
    const { models } = await openReference("sample", "short");
    const db = await openDatabase("sample", { readOnly: true });
    const accepted = db
      .listDefects()
      .map((id) => db.readDefect(id))
      .filter(({ status }) => status === "accepted");
    const wanted = [
      ...accepted.flatMap(({ dataset, arch, attack, style }) =>
        ["infected", "sham"].map((version) => [version, dataset, arch, attack, style].join()),
      ),
      ...db.listClean().map((id) => {
        const { dataset, arch } = db.readClean(id);
        return ["clean", dataset, arch, null, null].join();
      }),
    ];
    const found = models.map(({ version, dataset, arch, attack, style }) =>
      [version, dataset, arch, attack, style].join(),
    );
    expect(found.sort()).toEqual(wanted.sort());
  });

  it("has the statistics and revisions of today's criteria", async () => {
    const { criteria, models } = await openReference("sample", "short");
    for (const [name, { statistic, revision }] of Object.entries(criteria)) {
      const known = CRITERIA.get(name);
      expect(known?.access, name).toBe("clean");
      expect([name, statistic]).toEqual([name, statisticOf(name).name]);
      expect([name, revision]).toEqual([name, revisionStamp(known!).revision]);
    }
    for (const { values } of models) {
      expect(Object.keys(values).filter((name) => !Object.hasOwn(criteria, name))).toEqual([]);
    }
  });
});
