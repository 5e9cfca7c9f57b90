import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { makeReport } from "../../src/pipeline/report/report.ts";
import type { ImageDataset } from "../../src/tasks/classification/dataset.ts";
import { DATASETS } from "../../src/tasks/classification/datasets/registry.ts";
import type { SampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { Browser, findBrowser } from "./browser.ts";
import { judgedDatabase } from "./fixture.ts";

const command = findBrowser();

/** Half of what the demo's page measured before it was folded. */
const MOST_HEIGHT = 13_000;

/** What sticks out to the right of the window and does not scroll inside something. */
const STICKING_OUT = `[...document.querySelectorAll("body *")].filter((element) => {
  const { right, width } = element.getBoundingClientRect();
  if (width === 0 || right <= innerWidth + 1) return false;
  for (let above = element.parentElement; above; above = above.parentElement)
    if (["auto", "scroll", "hidden"].includes(getComputedStyle(above).overflowX)) return false;
  return true;
}).map((element) => element.outerHTML.slice(0, 80))`;

/** Eight grey images in place of the drawn signs, which take seconds. */
function grey(dataHash: string): ImageDataset {
  const images = {
    ...{ count: 8, width: 32, height: 32, labels: Uint8Array.from({ length: 8 }, (_, i) => i) },
    pixels: Uint8Array.from({ length: 8 * 3 * 1024 }, (_, i) => i % 251),
  };
  const { name, title, classes, normalization, augmentation, source } = DATASETS.get("signs")!;
  const info = { name, title, classes, normalization, augmentation, source };
  return { ...info, train: images, cleanVal: images, test: images, dataHash, completeness: "generated" };
}

describe.skipIf(command === null)("the page in a browser", () => {
  let browser: Browser;
  let sample: SampleDatabase;
  let page: string;

  beforeAll(async () => {
    sample = await judgedDatabase(`${temporaryFolder()}/db`);
    vi.spyOn(DATASETS.get("signs")!, "load").mockResolvedValue(grey(sample.accepted[0].data_sha256));
    page = await makeReport(sample.db, { dataDir: "" });
    browser = await Browser.open(command!);
  });

  afterAll(() => browser?.close());

  it("never scrolls sideways, folded or not, and is short unless it is unfolded", async () => {
    for (const width of [1400, 768, 390, 320]) {
      await browser.show(page, width);
      const sideways = "document.documentElement.scrollWidth - innerWidth";
      expect(await browser.value<number>(sideways), `${width}`).toBeLessThanOrEqual(0);
      expect(await browser.value(STICKING_OUT), `${width}`).toEqual([]);
      if (width === 1400) {
        expect(await browser.value("document.documentElement.scrollHeight")).toBeLessThan(MOST_HEIGHT);
      }
      await browser.value("for (const part of document.querySelectorAll('details')) part.open = true");
      expect(await browser.value<number>(sideways), `${width}, unfolded`).toBeLessThanOrEqual(0);
      expect(await browser.value(STICKING_OUT), `${width}, unfolded`).toEqual([]);
    }
  });

  it("shows a defect's pictures, strips and scores after one click", async () => {
    for (const { id } of sample.accepted) {
      await browser.show(page, 1400, { fragment: `#defect-${id}` });
      const visible = (selector: string) =>
        browser.value<boolean>(
          `document.getElementById("defect-${id}").querySelector("${selector}").checkVisibility()`,
        );
      expect(await visible(".looks svg"), id).toBe(true);
      expect(await visible(".strips-grid svg"), id).toBe(true);
      expect(await visible(":scope > details summary"), id).toBe(true);
    }
  });

  it("says the same without its script, and runs no other", async () => {
    await browser.show(page, 1400);
    expect(await browser.value("document.querySelectorAll('th[aria-sort]').length")).toBeGreaterThan(0);
    await browser.value(
      "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.hostile = 1' }))",
    );
    expect(await browser.value("window.hostile ?? 0")).toBe(0);
    const text = await browser.value("document.querySelector('main').innerText");
    await browser.show(page, 1400, { script: false });
    expect(await browser.value("document.querySelector('main').innerText")).toBe(text);
  });
});
