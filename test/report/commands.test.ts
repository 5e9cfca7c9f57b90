import { beforeAll, describe, expect, it } from "vitest";
import { selectItems } from "../../src/pipeline/judging/select.ts";
import { makePlan } from "../../src/pipeline/plan/plan.ts";
import { loadEdition } from "../../src/pipeline/recipe/recipe.ts";
import { collect, type ReportData } from "../../src/report/collect.ts";
import { buildCommands, judgingCommands } from "../../src/report/commands.ts";
import { Results } from "../../src/store/results/results.ts";
import { temporaryFolder } from "../store/temp.ts";
import { judgedDatabase } from "./fixture.ts";

let data: ReportData;

beforeAll(async () => {
  const { db, accepted } = await judgedDatabase(`${temporaryFolder()}/db`);
  const [short, demo] = [new Results(db), new Results(db, "demo")];
  const [first, second] = accepted;
  // As in the demo: another budget, a criterion on two defects only, a version of its own, another seed.
  for (const { id } of [first, second]) {
    const found = short.prediction("clp", id, "infected")!;
    demo.savePrediction({ ...found, criterion: "nc", budget: "demo" });
    demo.saveRepair({ ...short.repair("prune", "oracle", id)!, using: "nc", budget: "demo" });
  }
  short.savePrediction({ ...short.prediction("fp", first.id, "infected")!, criterion: "rnp", seed: 7 });
  short.savePrediction({ ...short.prediction("fp", first.id, "sham")!, criterion: "cmd-mine" });
  // And of a model without a backdoor.
  const { decoded_sha256: model_sha256 } = first.sham_model!;
  short.saveRepair({ ...short.repair("prune", "oracle", first.id)!, version: "sham", model_sha256 });
  data = collect(db);
});

/** An option's value in a command. */
function optionOf(command: string, option: string): string | undefined {
  return new RegExp(` --${option} (?:"([^"]*)"|(\\S+))`)
    .exec(command)
    ?.slice(1)
    .find((found) => found !== undefined);
}

/** What a command would judge, by the verbs' own reading of selections. */
async function cellsOf(command: string): Promise<string[]> {
  const words = command.split(" ");
  const step = words[1];
  const names = words.slice(2, words.indexOf("--db"));
  const lines = data.accepted.map(({ id, group_id }) => ({ id, group_id, status: "accepted", reason: null }));
  const usual = step === "repair" ? (["infected"] as const) : (["infected", "sham"] as const);
  const items = await selectItems({ list: async () => lines }, { names }, usual);
  const spent = [optionOf(command, "budget") ?? "short", optionOf(command, "seed")];
  const tools =
    step === "repair"
      ? optionOf(command, "using")!
          .split(",")
          .map((using) => `${optionOf(command, "method")} ${using}`)
      : optionOf(command, "criterion")!
          .split(",")
          .map((name) => `${name.replace(/^(.*)=cmd:.*/, "cmd-$1")} -`);
  return items.flatMap(({ id, version }) => tools.map((tool) => [step, tool, id, version, ...spent].join(" ")));
}

describe("the page's commands", () => {
  it("judge and repair exactly what is stored, with the budget and seed that it had", async () => {
    const named = (await Promise.all(judgingCommands(data).map(cellsOf))).flat();
    const stored = data.cells.map(({ step, name, using, id, version, budget, seed }) =>
      [step, name, using ?? "-", id, version, budget, seed].join(" "),
    );
    expect(stored).toHaveLength(4 * 3 * 2 + 2 + 1 + 1 + 4 * 4 + 2 + 1);
    expect(named.sort()).toEqual(stored.sort());
    expect(judgingCommands(data).filter((line) => line.includes("--budget demo"))).toHaveLength(2);
  });

  it("build exactly the candidates that there are", () => {
    for (const name of ["demo", "sample"]) {
      const edition = loadEdition(name);
      const planned = makePlan(edition, edition.select).candidates;
      const candidates = planned.map(({ key }) => key) as unknown as ReportData["candidates"];
      const commands = buildCommands({ candidates, manifest: { ...data.manifest, edition: name } });
      const built = commands.flatMap((command) => {
        const list = (option: string) => optionOf(command, option)!.split(",");
        const slice = {
          ...{ dataset: list("dataset"), arch: list("arch"), attack: list("attack"), style: list("style") },
          ...{ level: list("level"), offset: list("offset").map(Number) },
        };
        return makePlan(edition, slice as never).candidates.map(({ id }) => id);
      });
      expect(built.sort(), name).toEqual(planned.map(({ id }) => id).sort());
      expect(commands.length, name).toBeLessThan(planned.length);
    }
  });
});
