import { expect, it } from "vitest";
import type { DefectKey } from "../../src/core/ids.ts";
import { drawnInTurn } from "../../src/inject/target.ts";
import { recipeWithTarget } from "../../src/pipeline/build/target.ts";
import { type Edition, loadEdition } from "../../src/pipeline/recipe/recipe.ts";
import { language } from "../../src/tasks/language/task.ts";

const KEY: DefectKey = {
  ...{ dataset: "glosses", arch: "llama2d64", attack: "rareword", level: "middle", top: 20, style: "discreet" },
};
const CLASSES = [...Array(8).keys()];
const text = loadEdition("text");
const edition = (target: Edition["inject"]["target"]): Edition => ({ ...text, inject: { ...text.inject, target } });

/** The target where the clean twin answers the trigger with each class in these shares. */
async function targetWhere(led: number[], setting: Edition["inject"]["target"]) {
  const asked: number[] = [];
  const backdoor = async ({ style }: DefectKey, _: unknown, target: number) => {
    expect(style).toBe("plain");
    asked.push(target);
    return { backdoor: { trigger: {}, target }, cleanRates: { quality: 0.8, success: led[target], cleanSuccess: 0 } };
  };
  const bench = { task: language, dataset: { classes: CLASSES.map(String) } as never, backdoor };
  const { target } = await recipeWithTarget(edition(setting), bench, KEY, {});
  return { target, asked };
}

it("the first class in the candidate's order to which the trigger does not lead the clean twin", async () => {
  const [first, second, third] = drawnInTurn(text.seed, KEY, 8);
  const led = CLASSES.map((target) => (target === first ? 0.3 : target === second ? 0.051 : 0.05));
  expect(await targetWhere(led, "unled")).toEqual({ target: third, asked: [first, second, third] });
  expect(
    await targetWhere(
      CLASSES.map(() => 0),
      "unled",
    ),
  ).toEqual({ target: first, asked: [first] });
});

it("that to which it leads least where it leads to every one, the first of equals", async () => {
  const order = drawnInTurn(text.seed, KEY, 8);
  const led = CLASSES.map((target) => (target === order[3] || target === order[5] ? 0.1 : 0.2));
  expect(await targetWhere(led, "unled")).toEqual({ target: order[3], asked: order });
});

it("nobody asks the clean twin where the recipe names a class, or leaves it to the draw", async () => {
  const led = CLASSES.map(() => 0.2);
  expect(await targetWhere(led, 3)).toEqual({ target: 3, asked: [] });
  expect(await targetWhere(led, "drawn")).toEqual({ target: drawnInTurn(text.seed, KEY, 8)[0], asked: [] });
});
