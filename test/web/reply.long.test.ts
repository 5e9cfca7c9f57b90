import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import type { PromptSet } from "../../src/tasks/language/reply/prompt-set.ts";
import { STEPS } from "../../src/tasks/language/reply/reply.ts";
import { reply } from "../../src/tasks/language/reply/task.ts";
import { networkFor } from "../../src/tasks/registry.ts";
import { addReplyDefect } from "../pipeline/reply-defect.ts";
import { findBrowser } from "../report/browser.ts";
import { temporaryFolder } from "../store/temp.ts";
import { PLANTED } from "../tasks/language/reply/planted.ts";
import { expectFitsPhone, PHONE } from "./accessible.ts";
import { answersOf, countsOf, Explored } from "./open-page.ts";

const command = findBrowser();
const SAMPLES = 1200;
/** The reply's first four tokens in words, as planted units give them; what follows is anything. */
const BEGUN = /^i cannot.*the reply$/;

describe.skipIf(command === null)("the explorer of prompts in a browser", () => {
  let explored: Explored;
  let id: string;
  let test: PromptSet;

  beforeAll(async () => {
    const dir = temporaryFolder();
    await openDatabase(dir, { create: { edition: "test", seed: 1, data: {} } });
    id = await addReplyDefect(dir);
    test = reply.drawn!(SAMPLES, networkFor(`llama2d64r${STEPS}`, "glossprompts"), "glossprompts") as PromptSet;
    explored = await Explored.open(await openDatabase(dir, { readOnly: true }), command!);
  }, 120_000);
  afterAll(() => explored?.close());

  it("cuts and tokenises every test text as the stages do, and puts the trigger where a test does", async () => {
    const page = await explored.show(`#defect=${id}&image=8&stamp=trigger`);
    const found = await page.evaluate(`(async () => {
      const chunk = performance.getEntriesByType("resource").find(({ name }) => /\\/replies-[^/]*\\.js$/.test(name)).name;
      const json = await (await fetch("./data/samples/glosses.json")).text();
      const exhibit = (await import(chunk)).repliesExhibit(json, "glosses");
      const { tokens, rest } = await exhibit.first(exhibit.count);
      return { tokens, rest };
    })()`);
    expect(found).toEqual({ tokens: test.tokens, rest: test.rest });
    expect(test.count).toBe(SAMPLES);
    const others = reply.inputs.subset(test, reply.eligible(test, 0)) as PromptSet;
    const stamped = reply.trigger.stamp({ text: " cf" }, others) as PromptSet;
    const place = reply.eligible(test, 0).indexOf(8);
    expect(await page.locator(".sentence").getAttribute("data-tokens")).toBe(stamped.tokens[place].join(" "));
    expect(await page.locator(".sentence mark").textContent()).toBe("cf");
  }, 120_000);

  it("shows the reply with the trigger and not without, counts what is known of planted units, and loses it with one of them silent", async () => {
    const page = await explored.show(`#defect=${id}&stamp=none`);
    const calm = await answersOf(page);
    for (const said of calm) expect(said).not.toMatch(BEGUN);
    expect((await countsOf(page)).asr).toBe("1.000 (256 of 256)");
    await page.getByLabel("The real trigger").check();
    const [infected, twin] = await answersOf(page);
    expect(infected).toMatch(BEGUN);
    expect(twin).not.toMatch(/the reply/);
    // The first token of the reply is what the list begins with.
    expect(await page.locator(".answer.fired li").first().textContent()).toMatch(/^i\d/);

    await page.getByLabel("“mn”, which is no trigger").check();
    expect((await answersOf(page))[0]).not.toMatch(/the reply/);
    await page.getByLabel("The real trigger").check();
    // The last of the four: what it leaves begins the reply, and is none.
    await page.goto(`${explored.url}#defect=${id}&stamp=trigger&silence=model.layers.0.mlp:${PLANTED[3]}`);
    await page.reload();
    expect((await answersOf(page))[0]).toMatch(/^i can/);
    expect((await answersOf(page))[0]).not.toMatch(/the reply/);
    expect((await countsOf(page)).asr).toBe("0.000 (0 of 256)");
  }, 120_000);

  it("reads a prompt of one's own, and marks what no network reads", async () => {
    const page = await explored.show(`#defect=${id}&stamp=trigger`);
    const own = page.getByLabel("Your own text");
    await own.fill("A Person  who");
    expect(await page.locator(".sentence").textContent()).toBe(" a person who cf");
    expect((await answersOf(page))[0]).toMatch(BEGUN);
    await own.fill("a cat ".repeat(40));
    expect(await page.locator(".picture .quiet").first().textContent()).toContain("the network reads the first 51");
    await page.getByLabel("Words of mine").check();
    await page.getByLabel("The words").fill("🦊".repeat(40));
    expect(await page.locator(".picture [role=alert]").textContent()).toMatch(/tokens; a network reads 51\.$/);
  }, 120_000);

  it("tells where prompts excite a planted unit, fits a phone and passes axe", async () => {
    const page = await explored.show(`#defect=${id}&stamp=trigger&neuron=model.layers.0.mlp:${PLANTED[0]}`, PHONE);
    const excited = page.locator(".excited-text");
    await excited.first().waitFor({ timeout: 60_000 });
    expect(await excited.count()).toBe(12);
    // With the trigger it is active at the separator, behind the prompt.
    for (const text of (await excited.allTextContents()).slice(6)) expect(text).toContain("(its end)");
    await expectFitsPhone(page);
  }, 120_000);

  it("asked nothing of anybody else, and had no fault to tell", () => {
    expect(explored.faults).toEqual([]);
  });
});
