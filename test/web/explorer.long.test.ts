import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { indexNeurons, topK } from "../../src/core/neuron-index.ts";
import { countNeurons, listNeurons } from "../../src/core/neurons.ts";
import { neuronLayers } from "../../src/graph/network.ts";
import { asImages } from "../../src/images/image-set.ts";
import { decodeTrigger } from "../../src/images/trigger/codec.ts";
import { clp } from "../../src/localize/criteria/clp.ts";
import { weightFloor } from "../../src/localize/criteria/weight-floor.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { createRunner, type OrtRunner } from "../../src/measure/ort-runner.ts";
import { rates } from "../../src/measure/rates.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { signs } from "../../src/tasks/classification/datasets/signs.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { network } from "../localize/suspects.ts";
import { idsOf, makeDatabase } from "../pipeline/database.ts";
import { addLaneDefect, LANE_ID } from "../pipeline/lane-defect.ts";
import { findBrowser } from "../report/browser.ts";
import { expectFitsPhone, PHONE } from "./accessible.ts";
import { answersOf, countsOf, Explored } from "./open-page.ts";

const command = findBrowser();
/** Patience on a busy machine. */
const SLOW = { timeout: 60_000 };
const [id, other] = idsOf("signs");
let database: Database;
let explored: Explored;
let runner: OrtRunner;

describe.skipIf(command === null)("the explorer in a browser", () => {
  beforeAll(async () => {
    const dir = await makeDatabase("signs", "");
    await addLaneDefect(dir);
    database = await openDatabase(dir, { readOnly: true });
    explored = await Explored.open(database, command!);
    const { mean, std } = database.readClean(database.readDefect(id).clean) as never;
    runner = await createRunner(classification, network, { mean, std }, { threads: 1 });
  });
  afterAll(async () => {
    await explored?.close();
    await runner?.release();
  });

  /** What Node's runtime counts on the same pictures. */
  const counted = async (state: StateDict) => {
    const record = database.readDefect(id);
    const test = asImages((await signs.load({ dataDir: "", seed: database.manifest.seed })).test);
    const trigger = await database.readTrigger(record, decodeTrigger);
    const { quality, success } = await rates(runner, state, test, { trigger, target: record.target });
    const others = test.labels.filter((label) => label !== record.target).length;
    const share = (rate: number, of: number) => `${rate.toFixed(3)} (${Math.round(rate * of)} of ${of})`;
    return { ca: share(quality, test.count), asr: share(success, others) };
  };

  it("picks, stamps and silences, counts as Node does, and keeps all of it in its address", async () => {
    const page = await explored.show(`#defect=${id}&batch=all`);
    const infected = await database.loadVersion(database.readDefect(id), "infected");
    expect(await countsOf(page)).toMatchObject(await counted(infected));
    await page.getByRole("button", { name: /^picture 3:/ }).click();
    await page.getByLabel("The real trigger").check();
    const labels = database.readLabels(id).infected;
    await page.getByRole("button", { name: `All ${countNeurons(labels)} infected` }).click();
    const silenced = await countsOf(page);
    expect(silenced).toMatchObject(await counted(maskNeurons(network, infected, labels)));
    expect(new URL(page.url()).hash).toBe(`#defect=${id}&image=3&stamp=trigger&silence=infected&batch=all`);
    const again = await explored.show(new URL(page.url()).hash);
    expect(await answersOf(again)).toEqual(await answersOf(page));
    const { ca, asr } = await countsOf(again);
    expect({ ca, asr }).toEqual({ ca: silenced.ca, asr: silenced.asr });
    expect(await again.getByLabel("The real trigger").isChecked()).toBe(true);
  });

  it("computes criteria of the weights where the database has no results, and silences what one names", async () => {
    const page = await explored.show(`#defect=${id}`);
    const labels = database.readLabels(id).infected;
    const k = countNeurons(labels);
    expect(await page.getByLabel("Criterion").locator("option").allTextContents()).toEqual([
      "clp",
      "weight-norm",
      "weight-floor",
    ]);
    for (const criterion of [clp, weightFloor]) {
      await page.getByLabel("Criterion").selectOption(criterion.name);
      await page.getByRole("button", { name: `Top ${k} of ${criterion.name}` }).click();
      const infected = await database.loadVersion(database.readDefect(id), "infected");
      const { scores } = criterion.judge(criterion.rawOf(network, infected));
      const top = topK(indexNeurons(neuronLayers(network)), scores, k);
      const shown = await page
        .locator("[data-neuron][aria-pressed=true]")
        .evaluateAll((buttons) =>
          buttons.map((button) => (button as unknown as { dataset: { neuron: string } }).dataset.neuron),
        );
      expect(shown.sort()).toEqual(listNeurons(top).sort());
    }
    await page.locator("button.neuron").first().click();
    const rows = page.locator(".neuron-page tbody th", { hasText: "clp" });
    await rows.waitFor();
  });

  it("silences a neuron by a click or by keys, and tells what is known of it", async () => {
    const page = await explored.show(`#defect=${id}`);
    await page.locator('[data-neuron="conv1:1"]').click();
    await page.getByRole("heading", { name: "Neuron conv1:1" }).waitFor();
    expect(await page.locator('[data-neuron="conv1:1"]').getAttribute("aria-pressed")).toBe("true");
    expect(new URL(page.url()).hash).toContain("silence=conv1:1&neuron=conv1:1");
    await page.locator(".excited canvas").first().waitFor();
    const standing = page.locator(".standing [role=status]");
    await expect.poll(() => standing.textContent(), SLOW).toMatch(/^1 neuron silenced: ASR \d\.\d{3}, CA \d\.\d{3}$/);
    await page.getByRole("button", { name: "To neuron conv1:1" }).click();
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Neuron conv1:1");
    await page.locator('[data-neuron="conv1:1"]').focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Space");
    await page.getByRole("heading", { name: "Neuron conv1:2" }).waitFor();
    await page.getByRole("button", { name: "Wake it" }).click();
    expect(await page.locator('[data-neuron="conv1:2"]').getAttribute("aria-pressed")).toBe("false");
    await page.goBack();
    await page.getByRole("heading", { name: "Neuron conv1:1" }).waitFor();
  });

  it("has one stop for the tab key among all neurons, and gives the focus back when a neuron's page is closed", async () => {
    const page = await explored.show(`#defect=${id}`);
    const stops = (): Promise<string[]> =>
      page.evaluate(`[...document.querySelectorAll(".network [data-neuron]")].filter(({ tabIndex }) => tabIndex === 0)
        .map(({ dataset }) => dataset.neuron)`);
    expect(await stops()).toEqual(["conv1:0"]);
    await page.locator('[data-neuron="conv1:0"]').focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(stops).toEqual(["conv1:1"]);
    await page.keyboard.press("Enter");
    await page.locator('[data-neuron="conv1:3"]').click();
    await expect.poll(stops).toEqual(["conv1:3"]);
    await page.getByRole("button", { name: "Close" }).click();
    await page.locator(".neuron-page").waitFor({ state: "detached" });
    expect(await stops()).toEqual(["conv1:3"]);
    expect(await page.evaluate("document.activeElement.dataset.neuron")).toBe("conv1:3");
  });

  it("tells a screen reader in one sentence what the three networks say", async () => {
    const page = await explored.show(`#defect=${id}&stamp=trigger`);
    const said = (await answersOf(page)).map((text) => text.replace(/the target$/, ", the target"));
    const names = ["Infected", "Sham", "Clean twin"];
    expect(await page.locator(".heard").textContent()).toBe(names.map((name, i) => `${name}: ${said[i]}.`).join(" "));
    expect(await page.locator("[aria-live]").count()).toBe(0);
  });

  it("takes a stamp that is painted, with keys too", async () => {
    const page = await explored.show(`#defect=${id}&stamp=paint`);
    const easel = page.locator(".easel");
    const before = await easel.screenshot();
    await easel.focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Space");
    await page.keyboard.press("Tab");
    expect((await easel.screenshot()).equals(before)).toBe(false);
  });

  it("takes a picture of one's own, and refuses in one line what is none or too large", async () => {
    const page = await explored.show(`#defect=${id}`);
    const give = (name: string, mimeType: string, buffer: Buffer) =>
      page.locator("input[type=file]").setInputFiles({ name, mimeType, buffer });
    const refusal = page.locator(".picture [role=alert]");
    await give("a.png", "image/png", Buffer.from("none"));
    await expect.poll(() => refusal.textContent()).toBe("This file is no picture that the browser can read.");
    await give("b.png", "image/png", Buffer.alloc(17_000_000));
    await expect.poll(() => refusal.textContent()).toBe("This file has 17 MB; a picture may have 16.");
    const picture = await page.locator(".thumb").nth(2).screenshot();
    await give("c.png", "image/png", picture);
    await expect.poll(() => refusal.textContent()).toBe("");
    const shown = page.locator(".picture .quiet").first();
    expect(await shown.textContent()).toBe("Your picture");
    // One that takes long comes after what was chosen meanwhile, and must not replace it.
    await page.evaluate(`{
      const read = createImageBitmap;
      window.createImageBitmap = (file) => new Promise((done) => { window.goOn = () => done(read(file)); });
    }`);
    await give("d.png", "image/png", picture);
    await page.getByRole("button", { name: /^picture 5:/ }).click();
    await page.evaluate("goOn(); new Promise((next) => setTimeout(next, 100))");
    expect(await shown.textContent()).toMatch(/^Picture 5,/);
    // A link to another picture shows its page too.
    await page.goto(`${explored.url}#defect=${id}&image=100`);
    await expect.poll(() => shown.textContent()).toMatch(/^Picture 100,/);
    expect(await page.locator('.thumb[aria-pressed="true"]').getAttribute("aria-label")).toMatch(/^picture 100:/);
  });

  it("shows markup in a record as text", async () => {
    const markup = '<img src=x onerror="document.title=1">';
    const page = await explored.page();
    await page.route("**/data/**/*.json", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ json: swapped(await answer.json(), markup) });
    });
    await page.goto(`${explored.url}#defect=${id}`);
    expect((await answersOf(page)).join()).toContain(markup);
    expect(await page.locator("img").count()).toBe(0);
  });

  it("says in one line that a file has another shape, and shows the next defect", async () => {
    const page = await explored.page();
    await page.route(`**/data/defects/${id}.json`, async (route) => {
      const facts = await (await route.fetch({ timeout: 0 })).json();
      await route.fulfill({ json: { ...facts, infected: null } });
    });
    await page.goto(`${explored.url}#defect=${id}`);
    const alert = page.locator("p.card[role=alert]");
    await alert.waitFor(SLOW);
    expect(await alert.textContent()).toMatch(new RegExp(`^data/defects/${id}\\.json: cannot be shown \\([^\\n]+\\)$`));
    await page.locator(".choice-of-defect select").selectOption(other);
    await answersOf(page);
    expect(await alert.count()).toBe(0);
  });

  it("says in one line that a defect of an address is not there", async () => {
    const page = await explored.page();
    await page.goto(`${explored.url}#defect=nope`);
    expect(await page.locator("[role=alert]").textContent()).toBe("data/defects/nope.json: there is no such file");
    await page.locator(".choice-of-defect select").selectOption(other);
    await answersOf(page);
    expect(explored.faults.splice(0).every((fault) => fault.includes("404"))).toBe(true);
  });

  it("says in one line that the runtime cannot be had", async () => {
    const page = await explored.page();
    await page.route("**/*.wasm", (route) => route.abort());
    await page.goto(`${explored.url}#defect=${id}`);
    const refusal = page.locator("[aria-labelledby=answers-title] [role=alert]");
    await expect.poll(() => refusal.textContent(), SLOW).toMatch(/^No network can be run here: [^\n]+$/);
    await expect
      .poll(() => page.locator(".rates [role=alert]").textContent(), SLOW)
      .toMatch(/^These rates cannot be counted here: [^\n]+$/);
    expect(await page.locator("#answered").textContent()).toBe("");
    expect(explored.faults.splice(0).join()).toMatch(/wasm|ERR_FAILED/);
  });

  it("goes from pictures to frames and back", async () => {
    const page = await explored.show(`#defect=${id}&image=3&silence=infected`);
    await page.locator(".choice-of-defect select").selectOption(LANE_ID);
    await page.getByRole("heading", { name: "1. A frame and a stamp" }).waitFor();
    await answersOf(page);
    expect((await countsOf(page)).ca).toMatch(/\(mean of 64\)$/);
    await page.getByRole("button", { name: "All 2 infected" }).click();
    await page.getByLabel("Its left cone alone").check();
    await page.locator(".choice-of-defect select").selectOption(id);
    await page.getByRole("heading", { name: "1. A picture and a stamp" }).waitFor();
    await answersOf(page);
    // Pictures have no cones: that was chosen here, and no link named it.
    expect(await page.locator("p.refusal[role=status]").textContent()).toBe("");
    expect(await page.getByLabel("Nothing").isChecked()).toBe(true);
    expect(new URL(page.url()).hash).toBe(`#defect=${id}&stamp=left`);
  });

  it("says in one line what else a link names and is not there", async () => {
    const page = await explored.show(
      `#defect=${id}&image=9999&criterion=x&stamp=left&silence=conv1:1,none:7&neuron=conv1:99&batch=9`,
    );
    expect(await page.locator("p.refusal[role=status]").textContent()).toBe(
      "The link names what is not here, and is shown without it: batch 9; picture 9999; stamp left; criterion x; neurons none:7; neuron conv1:99.",
    );
    await page.goto(`${explored.url}#defect=${id}&image=3`);
    await expect.poll(() => page.locator("p.refusal[role=status]").textContent()).toBe("");
  });

  it("goes a step back to the defect that it began with", async () => {
    const page = await explored.show("");
    const choice = page.locator(".choice-of-defect select");
    const first = await choice.inputValue();
    await choice.selectOption(first === id ? other : id);
    await answersOf(page);
    await page.goBack();
    await expect.poll(() => choice.inputValue()).toBe(first);
    expect(new URL(page.url()).hash).toBe(`#defect=${first}`);
  });

  it("keeps the dot of an effective neuron that is silenced", async () => {
    const page = await explored.show(`#defect=${id}`);
    const neuron = page.locator("button.neuron.effective").first();
    const colours = (): Promise<string[]> =>
      page.evaluate(`[null, "::before"].map((part) =>
        getComputedStyle(document.querySelector("button.neuron.effective"), part).backgroundColor)`);
    const awake = await colours();
    await neuron.click();
    await expect.poll(() => neuron.getAttribute("aria-pressed")).toBe("true");
    const silent = await colours();
    for (const [square, dot] of [awake, silent]) expect(dot).not.toBe(square);
    expect(silent).not.toEqual(awake);
  });

  it("fits a phone and passes axe, light and dark", async () => {
    const page = await explored.show(`#defect=${id}&stamp=trigger&neuron=conv1:1`, PHONE);
    await page.locator(".excited canvas").first().waitFor();
    await countsOf(page);
    await expectFitsPhone(page);
  });

  it("asked nothing of anybody else, and had no fault to tell", () => {
    expect(explored.faults).toEqual([]);
  });
});

/** JSON in which classes and names that the page shows are markup. */
function swapped(value: Record<string, unknown>, markup: string): Record<string, unknown> {
  const classes = (value.classes as string[] | undefined)?.map(() => markup);
  return { ...value, ...(classes && { classes }), attack: markup, edition: markup };
}
