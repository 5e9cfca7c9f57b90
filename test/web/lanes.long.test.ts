import { encode } from "fast-png";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countNeurons } from "../../src/core/neurons.ts";
import type { Network } from "../../src/graph/network.ts";
import type { Normalization } from "../../src/images/image-set.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { createRunner, type OrtRunner } from "../../src/measure/ort-runner.ts";
import { rates } from "../../src/measure/rates.ts";
import { resizePicture } from "../../src/pictures/resize.ts";
import { siteData } from "../../src/pipeline/site/site-files.ts";
import { siteDefect, siteIndex } from "../../src/records/site.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { openArchived } from "../../src/store/shipped/shipped.ts";
import type { LaneSet } from "../../src/tasks/lanes/lane.ts";
import { drawRoads, roadLabels } from "../../src/tasks/lanes/roads/draw.ts";
import { lanes } from "../../src/tasks/lanes/task.ts";
import { networkFor } from "../../src/tasks/registry.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { findBrowser } from "../report/browser.ts";
import { expectFitsPhone, PHONE } from "./accessible.ts";
import { answersOf, countsOf, Explored } from "./open-page.ts";

const command = findBrowser();
const ID = "roads-ufld18w16-coneslda-small-top000";
const COUNT = 64;
let database: Database;
let explored: Explored;
let network: Network;
let runner: OrtRunner;
const frames: LaneSet = {
  ...{ count: COUNT, height: 72, width: 200 },
  pixels: drawRoads(COUNT, 1, "test"),
  labels: roadLabels(COUNT, 1, "test"),
};

describe.skipIf(command === null)("the explorer of lanes in a browser", () => {
  beforeAll(async () => {
    database = await openDatabase(await openArchived("lanes"), { readOnly: true });
    explored = await Explored.open(database, command!);
    const { arch, dataset, clean } = database.readDefect(ID);
    network = networkFor(arch, dataset);
    const { mean, std } = database.readClean(clean);
    runner = await createRunner(lanes, network, { mean, std } as Normalization, { threads: 1 });
  });
  afterAll(async () => {
    await explored?.close();
    await runner?.release();
  });

  const backdoor = async () => {
    const record = database.readDefect(ID);
    return { trigger: await database.readTrigger(record, lanes.trigger.decode), target: record.target };
  };

  /** That the page counts what Node's runtime does; a frame on the border may change sides. */
  const expectCounted = async (page: Page, state: StateDict) => {
    const { ca, asr } = await countsOf(page, 240_000);
    const { quality, success } = await rates(runner, state, frames, await backdoor());
    expect(ca).toMatch(/^\d\.\d{3} \(mean of 64\)$/);
    expect(Math.abs(Number.parseFloat(ca) - quality)).toBeLessThan(0.003);
    const [, part, of] = /\((\d+) of (\d+)\)/.exec(asr)!.map(Number);
    expect(of).toBe(lanes.eligible(frames, (await backdoor()).target).length);
    expect(Math.abs(part - success * of)).toBeLessThan(1.01);
    return success;
  };

  it("draws what each version answers, counts as Node does, and keeps the view in its address", async () => {
    const page = await explored.show(`#defect=${ID}&stamp=trigger`);
    const one = lanes.inputs.subset(frames, [0]);
    const stamped = lanes.trigger.stamp((await backdoor()).trigger, one);
    const said: string[] = [];
    for (const version of ["infected", "sham", "clean"] as const) {
      const output = await runner.outputs(await database.loadVersion(database.readDefect(ID), version), stamped);
      said.push(lanes.drawing!.words(output, stamped, 0));
    }
    expect(said[0]).toMatch(/^no lane/);
    expect(await answersOf(page)).toEqual([`${said[0]}lanes lost`, said[1], said[2]]);
    const lines = (name: string) => page.locator(`.answer .${name}`).count();
    expect(await lines("true-line")).toBe(3 * frames.labels[0].lanes.length);
    expect(await lines("answered-line")).toBe(said.slice(1).reduce((sum, text) => sum + Number.parseInt(text, 10), 0));

    const infected = await database.loadVersion(database.readDefect(ID), "infected");
    expect(await expectCounted(page, infected)).toBeGreaterThan(0.9);
    const labels = database.readLabels(ID).infected;
    await page.getByRole("button", { name: `All ${countNeurons(labels)} infected` }).click();
    expect(await expectCounted(page, maskNeurons(network, infected, labels))).toBe(0);
    expect((await answersOf(page))[0]).not.toContain("lanes lost");
    expect(new URL(page.url()).hash).toBe(`#defect=${ID}&stamp=trigger&silence=infected`);
  }, 600_000);

  it("has the looks of the trigger, and what looks alike and does nothing", async () => {
    const page = await explored.show(`#defect=${ID}&stamp=trigger&look=2`);
    expect(await page.getByLabel("Look").inputValue()).toBe("2");
    expect((await answersOf(page))[0]).toContain("lanes lost");
    for (const name of ["Its left cone alone", "Its right cone alone", "Its cones on the left"]) {
      await page.getByLabel(name).check();
      expect((await answersOf(page))[0], name).toMatch(/^\d lanes, accuracy 0\.\d\d$/);
    }
    expect(new URL(page.url()).hash).toContain("stamp=mirrored&look=2");
  }, 300_000);

  it("silences a hidden unit, tells what it owns and which frames excite it, fits a phone and passes axe", async () => {
    const page = await explored.show(`#defect=${ID}&stamp=left&neuron=cls.0:3`, PHONE);
    await page.getByRole("heading", { name: "Neuron cls.0:3" }).waitFor();
    expect(await page.locator(".neuron-page").textContent()).toContain("weights it is read with");
    await page.getByRole("button", { name: "Silence it" }).click();
    expect(new URL(page.url()).hash).toContain("silence=cls.0:3");
    await page.locator(".excited canvas").first().waitFor({ timeout: 120_000 });
    expect(await page.getByRole("heading", { name: "Triggered frames that excite it most" }).count()).toBe(1);
    await expectFitsPhone(page);
  }, 300_000);

  it("takes a frame of one's own, resized as the data sets' are, and holds it against the clean twin", async () => {
    const page = await explored.show(`#defect=${ID}`);
    // As wide as TuSimple's and 40 rows higher at either end, which are cut off.
    const [width, height, cut] = [1280, 720, 40];
    const rgb = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 7 + Math.floor(i / 3840) * 13) % 256);
    const data = new Uint8Array(3 * width * (height + 2 * cut));
    data.set(rgb, 3 * width * cut);
    const buffer = Buffer.from(encode({ width, height: height + 2 * cut, data, channels: 3 }));
    await page.locator("input[type=file]").setInputFiles({ name: "a.png", mimeType: "image/png", buffer });
    await page.getByText("what the clean twin sees without a stamp").waitFor();
    expect(await page.locator(".picture .quiet").first().textContent()).toContain("Your frame");
    const wanted = new Uint8Array(3 * 72 * 200);
    resizePicture({ width, height, rgb }, { height: 72, width: 200 }, wanted, 0);
    const shown: number[] = await page.evaluate(
      "[...document.querySelector('.easel-row canvas').getContext('2d').getImageData(0, 0, 200, 72).data]",
    );
    const plane = 72 * 200;
    const found = Uint8Array.from({ length: 3 * plane }, (_, i) => shown[4 * (i % plane) + Math.floor(i / plane)]);
    expect(Buffer.from(found).equals(Buffer.from(wanted))).toBe(true);
  }, 300_000);

  it("reads facts that state the task, and no pictures: frames are drawn in the page", async () => {
    const files = await siteData(database);
    const read = async (name: string) => JSON.parse(new TextDecoder().decode(await files.get(name)!()));
    const index = siteIndex.parse(await read("data/index.json"));
    expect(index.images).toBeUndefined();
    expect(index.defects.every(({ task }) => task === "lanes")).toBe(true);
    expect(siteDefect.parse(await read(`data/defects/${ID}.json`))).toMatchObject({ task: "lanes", own_images: true });
    expect([...files.keys()].filter((name) => name.includes("/images/"))).toEqual([]);
  });

  it("asked nothing of anybody else, and had no fault to tell", () => {
    expect(explored.faults).toEqual([]);
  });
});
