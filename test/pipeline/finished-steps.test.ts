import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FinishedSteps } from "../../src/pipeline/own/finished-steps.ts";
import { localizationStep } from "../../src/records/finished-step.ts";
import { deadPid, leaveStaging } from "../files/abandoned.ts";
import { temporaryFolder } from "../store/temp.ts";

const found = (value: number) => ({ raw: { a: [value, 0.1] }, scores: { a: [1, 0] }, native: { a: [0] }, note: "why" });

/** How often it is computed, and what came of it. */
function counted(steps: FinishedSteps) {
  const counts = { work: 0 };
  const once = (facts: object, value = 1 / 3) =>
    steps.once(facts, localizationStep, async () => {
      counts.work++;
      return found(value);
    });
  return { counts, once };
}

describe("finished steps", () => {
  it("are computed once for equal facts, to the last bit, also by a later run", async () => {
    const folder = join(temporaryFolder(), "m.unfinished");
    const first = counted(new FinishedSteps(folder));
    expect(existsSync(folder)).toBe(false);
    await first.once({ criterion: "fp", read: "x" });
    const later = counted(new FinishedSteps(folder));
    expect(await later.once({ criterion: "fp", read: "x" }, 2)).toEqual(found(1 / 3));
    expect([first.counts.work, later.counts.work]).toEqual([1, 0]);
    expect(await later.once({ criterion: "fp", read: "y" }, 2)).toEqual(found(2));
    expect(later.counts.work).toBe(1);
  });

  it("are computed again where their file is damaged, and never kept where JSON cannot hold them", async () => {
    const folder = join(temporaryFolder(), "m.unfinished");
    const { counts, once } = counted(new FinishedSteps(folder));
    await once({ step: 1 });
    const [name] = readdirSync(folder);
    const text = readFileSync(join(folder, name), "utf8");
    writeFileSync(join(folder, name), text.replace("0.1", "0.2"));
    expect(await once({ step: 1 })).toEqual(found(1 / 3));
    expect(readFileSync(join(folder, name), "utf8")).toBe(text);
    for (let i = 0; i < 2; i++) expect(await once({ step: 2 }, Number.POSITIVE_INFINITY)).toEqual(found(1 / 0));
    expect([counts.work, readdirSync(folder)]).toEqual([4, [name]]);
  });

  it("go away at the end with what killed runs left, and nothing else does", async () => {
    const out = temporaryFolder();
    const folder = join(out, "m.unfinished");
    const left = leaveStaging(out, ".m.prune.fp");
    const steps = new FinishedSteps(folder);
    expect(existsSync(left)).toBe(false);
    await counted(steps).once({ step: 1 });
    writeFileSync(join(folder, `${deadPid()}-0123456789ab`), "half");
    writeFileSync(join(folder, "thesis.txt"), "mine");
    steps.forget();
    expect(readdirSync(folder)).toEqual(["thesis.txt"]);
    steps.forget();
    expect(readdirSync(folder)).toEqual(["thesis.txt"]);
  });

  it("are not written through a link, nor into a file", () => {
    const out = temporaryFolder();
    mkdirSync(join(out, "elsewhere"));
    symlinkSync(join(out, "elsewhere"), join(out, "link"));
    writeFileSync(join(out, "file"), "");
    expect(() => new FinishedSteps(join(out, "link"))).toThrow(/link: is a symbolic link; name another folder/);
    expect(() => new FinishedSteps(join(out, "file"))).toThrow(/file: is a file, not a folder/);
  });
});
