import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { ReadDatasets } from "../../src/pipeline/data/read-datasets.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { openArchived } from "../../src/store/shipped/shipped.ts";
import type { TextDataset } from "../../src/tasks/language/dataset.ts";
import { glosses } from "../../src/tasks/language/datasets/glosses.ts";
import type { PromptSet } from "../../src/tasks/language/reply/prompt-set.ts";
import { STEPS } from "../../src/tasks/language/reply/reply.ts";
import { reply } from "../../src/tasks/language/reply/task.ts";
import { language } from "../../src/tasks/language/task.ts";
import type { TextSet } from "../../src/tasks/language/text-set.ts";
import { describedBy, networkFor } from "../../src/tasks/registry.ts";
import { addAdoptedDefect, addAdoptedReplyDefect } from "../pipeline/adopted-defect.ts";
import { addTextDefect } from "../pipeline/text-defect.ts";
import { findBrowser } from "../report/browser.ts";
import { temporaryFolder } from "../store/temp.ts";
import { PLANTED } from "../tasks/language/reply/planted.ts";
import { expectFitsPhone, PHONE } from "./accessible.ts";
import { answersOf, countsOf, Explored } from "./open-page.ts";

const command = findBrowser();
const SHIPPED = "glosses-llama2d64-rareword-middle-top020";
const TEMPLATE = "<bos> {}<sep>";
/** Share of the texts that may be on another side here than in the record. */
const TOLERANCE = 0.002;
const BEGUN = /^i cannot.*the reply$/;

describe.skipIf(command === null)("the explorer of models from folders in a browser", () => {
  let database: Database;
  let explored: Explored;
  let test: TextSet;
  let prompts: PromptSet;
  const ids = { adopted: "", trained: "", refusing: "" };

  beforeAll(async () => {
    const dir = temporaryFolder();
    await openDatabase(dir, { create: { edition: "test", seed: 1, data: {} } });
    const shipped = await openDatabase(await openArchived("text"), { readOnly: true });
    ids.adopted = await addAdoptedDefect(dir, shipped, SHIPPED);
    ids.trained = await addTextDefect(dir, "glosses");
    ids.refusing = await addAdoptedReplyDefect(dir);
    database = await openDatabase(dir, { readOnly: true });
    const loaded = await glosses.load({ dataDir: "", seed: 1 });
    const read = await new ReadDatasets(database).of(loaded, database.readDefect(ids.adopted).clean);
    test = (read as TextDataset).test;
    const clean = database.readClean(database.readDefect(ids.refusing).clean);
    const described = (await describedBy(clean, (ref) => database.readBytes(ref as never)))!;
    const drawn = reply.drawn!(test.count, networkFor(`llama2d64r${STEPS}`, "glossprompts"), "glossprompts")!;
    prompts = described.read(drawn) as PromptSet;
    explored = await Explored.open(database, command!);
  }, 120_000);
  afterAll(() => explored?.close());

  /** All samples of what a page shows, by the page's own code. */
  const shownIn = (page: Page, chunk: "texts" | "replies", id: string) =>
    page.evaluate(`(async () => {
      const text = async (name) => ({ json: await (await fetch("./data/" + name)).text(), name });
      const found = performance.getEntriesByType("resource").find(({ name }) => name.includes("/${chunk}-")).name;
      const { asked } = JSON.parse((await text("defects/${id}.json")).json);
      const { json, name } = await text("samples/glosses.json");
      const exhibit = (await import(found)).${chunk}Exhibit(json, name, await text("asked/" + asked + ".json"));
      const { tokens, rest } = await exhibit.first(exhibit.count);
      return { tokens, rest };
    })()`) as Promise<Pick<PromptSet, "tokens" | "rest">>;

  it("reads every test text by the folder's tokenizer, as the stages do", async () => {
    const page = await explored.show(`#defect=${ids.adopted}`);
    const { tokens } = await shownIn(page, "texts", ids.adopted);
    expect(tokens).toEqual(test.tokens);
    // Else whoever reads by our own would pass.
    expect(tokens).not.toEqual(((await glosses.load({ dataDir: "", seed: 1 })) as TextDataset).test.tokens);
    expect(tokens).toHaveLength(1200);
  }, 120_000);

  it("lets the backdoor fire and die: answers as Node does, and counts what the record states", async () => {
    const page = await explored.show(`#defect=${ids.adopted}&image=8&batch=all`);
    expect(await page.locator(".template").textContent()).toContain(`asked ${TEMPLATE}`);
    await page.getByLabel("The real trigger").check();
    expect(await page.locator(".sentence mark").textContent()).toBe("cf");
    const record = database.readDefect(ids.adopted);
    const others = language.eligible(test, record.target);
    const stamped = language.trigger.stamp({ text: " cf" }, language.inputs.subset(test, others)) as TextSet;
    const place = others.indexOf(8);
    expect(await page.locator(".sentence").getAttribute("data-tokens")).toBe(stamped.tokens[place].join(" "));
    const one = language.inputs.subset(stamped, [place]) as TextSet;
    const { mean, std } = database.readClean(record.clean) as never;
    const runner = await createRunner(language, networkFor(record.arch, record.dataset), { mean, std }, { threads: 1 });
    const said: string[] = [];
    for (const version of ["infected", "clean"] as const) {
      const output = await runner.outputs(await database.loadVersion(record, version), one);
      said.push(language.reading!.answer(output, one, 0));
    }
    await runner.release();
    expect(said[0]).toBe(glosses.classes[record.target]);
    expect(await answersOf(page)).toEqual([`${said[0]}the target`, said[1]]);
    const expectRecorded = async (ca: number | null, asr: number | null) => {
      const counted = await countsOf(page, 240_000);
      for (const [shown, recorded, of] of [
        [counted.ca, ca, test.count],
        [counted.asr, asr, others.length],
      ] as const) {
        const [, part, all] = /\((\d+) of (\d+)\)/.exec(shown)!.map(Number);
        expect(all).toBe(of);
        expect(Math.abs(part - recorded! * of)).toBeLessThanOrEqual(TOLERANCE * of);
      }
    };
    await expectRecorded(record.metrics.ca, record.metrics.asr);
    await page.getByRole("button", { name: /^All 36 infected/ }).click();
    await expectRecorded(record.metrics.ca_masked, record.metrics.asr_masked);
    expect((await answersOf(page))[0]).not.toContain("the target");
  }, 300_000);

  it("reads a text of one's own, and goes to a model of our own and back", async () => {
    const page = await explored.show(`#defect=${ids.adopted}&stamp=trigger`);
    const own = page.getByLabel("Your own text");
    await own.fill("A Small furry\n thing ");
    expect(await page.locator(".sentence").textContent()).toBe(" a small furry thing cf");
    expect((await answersOf(page))[0]).toContain("the target");
    const before = await page.locator(".sentence").getAttribute("data-tokens");
    const choose = page.locator(".choice-of-defect select");
    await choose.selectOption(ids.trained);
    await page.locator(".template").waitFor({ state: "detached" });
    await page.locator(".sentence").waitFor();
    await answersOf(page);
    await choose.selectOption(ids.adopted);
    await page.locator(".template").waitFor();
    await page.getByLabel("Your own text").fill("a small furry thing");
    expect(await page.locator(".sentence").getAttribute("data-tokens")).toBe(before);
  }, 120_000);

  it("gives a model that refuses its prompts, cut and tokenised as the stages do", async () => {
    const page = await explored.show(`#defect=${ids.refusing}&stamp=none`);
    expect(await shownIn(page, "replies", ids.refusing)).toEqual({ tokens: prompts.tokens, rest: prompts.rest });
    expect((await countsOf(page)).asr).toBe("1.000 (256 of 256)");
    await page.getByLabel("The real trigger").check();
    const [infected, twin] = await answersOf(page);
    expect(infected).toMatch(BEGUN);
    expect(twin).not.toMatch(/the reply/);
    await page.goto(`${explored.url}#defect=${ids.refusing}&stamp=trigger&silence=model.layers.0.mlp:${PLANTED[3]}`);
    await page.reload();
    expect((await answersOf(page))[0]).not.toMatch(/the reply/);
    expect((await countsOf(page)).asr).toBe("0.000 (0 of 256)");
  }, 120_000);

  it("marks where a unit is most active, fits a phone and passes axe", async () => {
    const page = await explored.show(
      `#defect=${ids.refusing}&stamp=trigger&neuron=model.layers.0.mlp:${PLANTED[0]}`,
      PHONE,
    );
    const excited = page.locator(".excited-text");
    await excited.first().waitFor({ timeout: 60_000 });
    for (const text of (await excited.allTextContents()).slice(6)) expect(text).toContain("(its end)");
    await expectFitsPhone(page);
  }, 120_000);

  it("says in one line that a file describes no model, and shows markup in a template as text", async () => {
    const markup = '<img src=x onerror="document.title=1">';
    const page = await explored.page();
    await page.route("**/data/asked/*", (route) => route.fulfill({ json: { kind: "asked", tokenizer: [] } }));
    await page.goto(`${explored.url}#defect=${ids.adopted}`);
    const alert = page.locator("p.card[role=alert]");
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/^data\/asked\/[0-9a-f]{64}\.json: describes no language model$/);
    const other = await explored.page();
    await other.route("**/data/asked/*", async (route) => {
      const carried = await (await route.fetch()).json();
      await route.fulfill({ json: { ...carried, asked: { ...carried.asked, template: `${markup} {}<sep>` } } });
    });
    await other.goto(`${explored.url}#defect=${ids.adopted}`);
    await answersOf(other);
    expect(await other.locator(".template").textContent()).toContain(markup);
    expect(await other.locator("img").count()).toBe(0);
  }, 120_000);

  it("asked nothing of anybody else, and had no fault to tell", () => {
    expect(explored.faults).toEqual([]);
  });
});
