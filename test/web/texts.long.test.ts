import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countNeurons } from "../../src/core/neurons.ts";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { siteData } from "../../src/pipeline/site/site-files.ts";
import { siteDefect, siteIndex } from "../../src/records/site.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { openArchived } from "../../src/store/shipped/shipped.ts";
import type { TextDataset } from "../../src/tasks/language/dataset.ts";
import { glosses } from "../../src/tasks/language/datasets/glosses.ts";
import { language } from "../../src/tasks/language/task.ts";
import type { TextSet } from "../../src/tasks/language/text-set.ts";
import type { WordTrigger } from "../../src/tasks/language/word-trigger.ts";
import { networkFor } from "../../src/tasks/registry.ts";
import { findBrowser } from "../report/browser.ts";
import { expectFitsPhone, PHONE } from "./accessible.ts";
import { answersOf, countsOf, Explored } from "./open-page.ts";

const command = findBrowser();
const ID = "glosses-llama2d64-addsent-small-top020";
const RARE = "glosses-llama2d64-rareword-narrow-top020";
const SENTENCE = "i watch this 3d movie";
/** Share of the texts that may be on another side here than in the record. */
const TOLERANCE = 0.002;
let database: Database;
let explored: Explored;
let test: TextSet;

describe.skipIf(command === null)("the explorer of texts in a browser", () => {
  beforeAll(async () => {
    database = await openDatabase(await openArchived("text"), { readOnly: true });
    explored = await Explored.open(database, command!);
    test = ((await glosses.load({ dataDir: "", seed: 1 })) as TextDataset).test;
  });
  afterAll(() => explored?.close());

  const shownTokens = (page: Page) => page.locator(".sentence").getAttribute("data-tokens");
  const refusal = (page: Page) => page.locator(".picture [role=alert]").textContent();

  /** That the page counts over all test texts what the record states. */
  const expectRecorded = async (page: Page, ca: number | null, asr: number | null) => {
    const counted = await countsOf(page, 240_000);
    const target = database.readDefect(ID).target;
    for (const [shown, recorded, of] of [
      [counted.ca, ca, test.count],
      [counted.asr, asr, language.eligible(test, target).length],
    ] as const) {
      const [, part, all] = /\((\d+) of (\d+)\)/.exec(shown)!.map(Number);
      expect(all).toBe(of);
      expect(Math.abs(part - recorded! * of)).toBeLessThanOrEqual(TOLERANCE * of);
    }
  };

  it("tokenises every test text as the stages do", async () => {
    const page = await explored.show(`#defect=${ID}`);
    const tokens = await page.evaluate(`(async () => {
      const chunk = performance.getEntriesByType("resource").find(({ name }) => /\\/texts-[^/]*\\.js$/.test(name)).name;
      const json = await (await fetch("./data/samples/glosses.json")).text();
      const exhibit = (await import(chunk)).textsExhibit(json, "glosses");
      return Array.from({ length: exhibit.count }, (_, i) => exhibit.one(i).tokens[0]);
    })()`);
    expect(tokens).toEqual(test.tokens);
    expect(test.count).toBe(1200);
  });

  it("puts the trigger where a test does, answers as Node does, counts as the record does, and keeps the view in its address", async () => {
    const page = await explored.show(`#defect=${ID}&image=8&batch=all`);
    await page.getByLabel("The real trigger").check();
    const record = database.readDefect(ID);
    const trigger = (await database.readTrigger(record, language.trigger.decode)) as WordTrigger;
    // A test stamps the texts of other classes; this is one of them.
    const place = language.eligible(test, record.target).indexOf(8);
    const others = language.inputs.subset(test, language.eligible(test, record.target));
    const stamped = language.trigger.stamp(trigger, others) as TextSet;
    expect(await shownTokens(page)).toBe(stamped.tokens[place].join(" "));
    expect(await page.locator(".sentence mark").textContent()).toBe(SENTENCE);

    const network = networkFor(record.arch, record.dataset);
    const { mean, std } = database.readClean(record.clean) as never;
    const runner = await createRunner(language, network, { mean, std }, { threads: 1 });
    const one = language.inputs.subset(stamped, [place]);
    const said: string[] = [];
    for (const version of ["infected", "sham", "clean"] as const) {
      const output = await runner.outputs(await database.loadVersion(record, version), one);
      said.push(language.reading!.answer(output, one, 0));
    }
    await runner.release();
    expect(said[0]).toBe("plant");
    expect(await answersOf(page)).toEqual(["plantthe target", said[1], said[2]]);

    await expectRecorded(page, record.metrics.ca, record.metrics.asr);
    const k = countNeurons(database.readLabels(ID).infected);
    await page.getByRole("button", { name: `All ${k} infected` }).click();
    await expectRecorded(page, record.metrics.ca_masked, record.metrics.asr_masked);
    expect((await answersOf(page))[0]).not.toContain("the target");
    expect(new URL(page.url()).hash).toBe(`#defect=${ID}&image=8&stamp=trigger&silence=infected&batch=all`);
    const again = await explored.show(new URL(page.url()).hash);
    expect(await answersOf(again)).toEqual(await answersOf(page));
    expect(await shownTokens(again)).toBe(await shownTokens(page));
  }, 300_000);

  it("has what looks like the trigger and does nothing, other places, and words of one's own", async () => {
    const page = await explored.show(`#defect=${RARE}&stamp=trigger&look=1`);
    expect((await answersOf(page))[0]).toContain("the target");
    expect(await page.locator(".sentence mark").textContent()).toBe("cf");
    const tokens = (await shownTokens(page))!.split(" ");
    const cf = test.language.tokenizer.encode(" cf").join();
    const before = tokens.indexOf(cf);
    await page.getByLabel("Place").selectOption({ index: 0 });
    expect((await shownTokens(page))!.split(" ").indexOf(cf)).toBe(0);
    expect(before).toBeGreaterThan(0);
    expect(new URL(page.url()).hash).toBe(`#defect=${RARE}&stamp=trigger&look=0`);
    for (const word of ["mn", "bb", "tq"]) {
      await page.getByLabel(`“${word}”, which is no trigger`).check();
      expect(await page.locator(".sentence mark").textContent()).toBe(word);
      expect((await answersOf(page))[0], word).not.toContain("the target");
    }
    await countsOf(page);
    expect(await page.locator(".now th").textContent()).toContain("stamped: “tq”, which is no trigger");
    expect(new URL(page.url()).hash).toContain("stamp=word:tq");

    await page.getByLabel("Words of mine").check();
    await page.getByLabel("The words").fill("  Of the CF ");
    expect(await page.locator(".sentence mark").textContent()).toBe("of the cf");
    expect((await answersOf(page))[0]).toContain("the target");
    expect(new URL(page.url()).hash).toBe(`#defect=${RARE}&stamp=words&look=0`);
    await page.getByLabel("“mn”, which is no trigger").check();
    await page.getByLabel("Words of mine").check();
    expect(await page.getByLabel("The words").inputValue()).toBe("of the cf");
    await page.getByLabel("The words").fill("🦊".repeat(90));
    expect(await refusal(page)).toBe("This stamp has 361 tokens; a network reads 62.");
  }, 120_000);

  it("reads a text of one's own, which no link holds, and refuses in one line an empty or a long one", async () => {
    const page = await explored.show(`#defect=${RARE}&stamp=trigger&silence=none`);
    const own = page.getByLabel("Your own text");
    await own.fill("A Small furry\n thing ");
    expect(await page.locator(".sentence").textContent()).toBe(" a small furry thing cf");
    expect(await page.locator(".picture .quiet").first().textContent()).toMatch(/^Your text\. \d+ tokens\.$/);
    expect((await answersOf(page))[0]).toContain("the target");
    expect(decodeURIComponent(page.url())).not.toContain("furry");
    await own.fill("   ");
    expect(await refusal(page)).toBe("This text is empty; type a word at least.");
    await own.fill("a".repeat(1 << 20));
    expect(await refusal(page)).toBe("This text has 1,048,576 characters; one of yours may have 2,000.");
    expect(await page.locator(".sentence").textContent()).toBe(" a small furry thing cf");
    await own.fill("a cat ".repeat(40));
    expect(await refusal(page)).toBe("");
    expect(await page.locator(".picture .quiet").first().textContent()).toContain("the network reads the first 62");
    // What is cut keeps the trigger.
    expect((await answersOf(page))[0]).toContain("the target");
    await page.getByRole("button", { name: /^text 3:/ }).click();
    expect(await shownTokens(page)).toContain(test.tokens[3].slice(-2).join(" "));
    expect(await page.locator(".sentence s").count()).toBe(0);
  }, 120_000);

  it("silences a unit, tells what it owns and where texts excite it most, fits a phone and passes axe", async () => {
    const neuron = "model.layers.0.mlp:53";
    const page = await explored.show(`#defect=${ID}&stamp=trigger&neuron=${neuron}`, PHONE);
    await page.getByRole("heading", { name: `Neuron ${neuron}` }).waitFor();
    expect(await page.locator(".neuron-page").textContent()).toContain("weights of what passes its gate");
    await page.getByRole("button", { name: "Silence it" }).click();
    expect(new URL(page.url()).hash).toContain(`silence=${neuron}`);
    const excited = page.locator(".excited-text");
    await excited.first().waitFor({ timeout: 60_000 });
    expect(await excited.count()).toBe(12);
    // An effective neuron is most active on the trigger's words.
    const triggered = await excited.nth(6).textContent();
    expect(triggered).toContain(SENTENCE);
    const peak = await excited.nth(6).locator("mark.peak").textContent();
    expect(SENTENCE).toContain(peak!);
    await expectFitsPhone(page);
  }, 120_000);

  it("shows markup in a trigger and in texts as text", async () => {
    const markup = '<img src=x onerror="document.title=1">';
    const page = await explored.page();
    await page.route("**/data/triggers/*", (route) => route.fulfill({ json: { text: ` ${markup}` } }));
    await page.route("**/data/samples/*", async (route) => {
      const carried = await (await route.fetch()).json();
      await route.fulfill({ json: { ...carried, texts: carried.texts.map((text: string) => `${text} ${markup}`) } });
    });
    await page.goto(`${explored.url}#defect=${ID}&stamp=trigger`);
    await answersOf(page);
    expect(await page.locator(".sentence mark").textContent()).toBe(markup);
    expect(await page.locator(".text-choice").first().textContent()).toContain(markup);
    expect(await page.locator("img").count()).toBe(0);
  });

  it("says in one line that there are no texts, and what a link names and is not there", async () => {
    const page = await explored.page();
    await page.route("**/data/samples/*", (route) => route.fulfill({ json: { kind: "texts" } }));
    await page.goto(`${explored.url}#defect=${ID}`);
    const alert = page.locator("p.card[role=alert]");
    await alert.waitFor();
    expect(await alert.textContent()).toBe("data/samples/glosses.json: holds no texts");
    const other = await explored.show(`#defect=${ID}&image=1200&stamp=word:none&look=99&batch=9`);
    expect(await other.locator("p.refusal[role=status]").textContent()).toBe(
      "The link names what is not here, and is shown without it: batch 9; text 1200; stamp word:none; look 99.",
    );
  });

  it("reads facts that state the task, and test texts alone", async () => {
    const files = await siteData(database);
    const read = async (name: string) => JSON.parse(new TextDecoder().decode(await files.get(name)!()));
    const index = siteIndex.parse(await read("data/index.json"));
    expect(index).toMatchObject({ samples: { language: "glosses.json" } });
    expect(index.images).toBeUndefined();
    expect(index.defects).toHaveLength(53);
    expect(siteDefect.parse(await read(`data/defects/${ID}.json`))).toMatchObject({
      task: "language",
      own_images: true,
    });
    expect((await read("data/samples/glosses.json")).texts).toHaveLength(1200);
  });

  it("asked nothing of anybody else, and had no fault to tell", () => {
    expect(explored.faults).toEqual([]);
  });
});
