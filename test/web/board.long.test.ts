import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listEntries, openEntry, SHIPPED_BOARD } from "../../src/pipeline/board/entry.ts";
import { figureOf, within } from "../../src/score/board.ts";
import { openDatabase } from "../../src/store/database.ts";
import { SAMPLE_DIR } from "../../src/store/shipped/sample.ts";
import { findBrowser } from "../report/browser.ts";
import { temporaryFolder } from "../store/temp.ts";
import { expectFitsPhone, PHONE } from "./accessible.ts";
import { Explored } from "./open-page.ts";

const command = findBrowser();
const entries = listEntries(SHIPPED_BOARD).map(openEntry);
const judged = entries.filter(({ results }) => results.some(({ benchmark }) => benchmark === "sample"));
let explored: Explored;

const signed = (value: number) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;

/** The shipped board, and an entry with markup in every string that may be any text. */
function hostileBoard(): string {
  const board = join(temporaryFolder(), "board");
  cpSync(SHIPPED_BOARD, board, { recursive: true });
  const entry = JSON.parse(readFileSync(join(board, "entries", "nc.json"), "utf8"));
  const markup = '<img src=x onerror="document.title=1"><script>document.title=1</script>';
  Object.assign(entry, {
    ...{ name: "hostile", title: markup, author: markup, kind: "outside", command: markup, criterion: undefined },
    ...{ links: ["https://example.org/?q=&lt;b&gt;"], hashes: { [markup]: "0".repeat(64) } },
  });
  for (const result of entry.results) {
    result.notes = [markup];
    result.program = markup.slice(0, 40);
    result.cells[0].infected.failed = markup;
    for (const figure of result.figures) figure.missing = 1;
  }
  writeFileSync(join(board, "entries", "hostile.json"), JSON.stringify(entry));
  return board;
}

describe.skipIf(command === null)("the leaderboard in a browser", () => {
  beforeAll(async () => {
    const database = await openDatabase(SAMPLE_DIR, { readOnly: true });
    explored = await Explored.open(database, command!, { board: hostileBoard() });
  });
  afterAll(() => explored?.close());

  const show = async (fragment = "", options = {}): Promise<Page> => {
    const page = await explored.page(options);
    await page.goto(`${explored.url}board.html${fragment}`);
    await page.locator("[data-entry]").first().waitFor();
    return page;
  };
  const namesOf = (page: Page) =>
    page.locator("[data-entry]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-entry")!));

  it("shows every entry once, the best first, with what `board check` computes", async () => {
    const page = await show();
    const names = (await namesOf(page)).filter((name) => name !== "hostile");
    expect([...names].sort()).toEqual(judged.map(({ name }) => name).sort());
    for (const { name, results } of judged) {
      const { difference } = results.find(({ benchmark }) => benchmark === "sample")!.figures[0];
      const { value, low, high } = difference!;
      const text = await page.locator(`[data-entry="${name}"]`).textContent();
      expect(text).toContain(`${signed(value)} [${signed(low!)}, ${signed(high!)}]`);
    }
    const clean = judged.filter(({ access }) => access === "clean");
    const order = names.filter((name) => clean.some((entry) => entry.name === name));
    const values = order.map(
      (name) => clean.find((entry) => entry.name === name)!.results[0].figures[0].difference!.value,
    );
    expect(values).toEqual([...values].sort((a, b) => b - a));
  });

  it("sorts by a column, and back, and says so to who does not see it", async () => {
    const page = await show("#access=clean");
    await page.getByRole("button", { name: "Sham", exact: true }).click();
    const shams = await page.locator("[data-entry] td:nth-of-type(5)").allTextContents();
    expect(shams.map(Number)).toEqual(shams.map(Number).sort((a, b) => a - b));
    expect(await page.locator('th[aria-sort="ascending"]').textContent()).toBe("Sham ▴");
    await page.getByRole("button", { name: "Sham", exact: true }).click();
    expect(await page.locator('th[aria-sort="descending"]').textContent()).toBe("Sham ▾");
    expect(new URL(page.url()).hash).toBe("#access=clean&sort=sham&reverse=1");
  });

  it("computes a slice from its cells, keeps it in the address, and shows these cells alone", async () => {
    const page = await show();
    await page.getByLabel("Attack").selectOption("blended");
    await page.getByLabel("Style").selectOption("discreet");
    const entry = openEntry(join(SHIPPED_BOARD, "entries", "clp.json"));
    const cells = within(entry.results[0].cells, { attack: "blended", style: "discreet" });
    const { difference } = figureOf(cells, { criterion: "clp", access: "clean", budget: "short" });
    const row = page.locator('[data-entry="clp"]');
    await expect.poll(() => row.textContent()).toContain(`${signed(difference!.value)} [${signed(difference!.low!)}`);
    await row.getByRole("link", { name: /infected − sham/ }).click();
    await page.getByRole("heading", { name: /^clp:/ }).waitFor();
    expect(await page.locator(".cell-table tbody tr").count()).toBe(cells.length);
    const again = await show(new URL(page.url()).hash);
    expect(await again.locator(".cell-table tbody tr").count()).toBe(cells.length);
    await again.locator(".cell-table tbody a").first().click();
    await again.getByRole("heading", { name: "Watch a backdoor fire, and die" }).waitFor();
    expect(await again.locator(".choice-of-defect select").inputValue()).toBe(cells[0].id);
    await page.getByLabel("Kind").selectOption("baseline");
    expect(new Set(await page.locator("[data-entry] .kind").allTextContents())).toEqual(new Set(["baseline"]));
    expect(new Set(await page.locator("[data-entry] .place").allTextContents())).toEqual(new Set(["–"]));
  });

  it("leads to the cells each time that a number is followed, and gives the focus back when they are closed", async () => {
    const page = await show("#access=clean");
    const number = page.locator('[data-entry="clp"]').getByRole("link", { name: /infected − sham/ });
    const focused = () => page.evaluate("document.activeElement.textContent");
    for (const _ of ["first", "again"]) {
      await number.click();
      await expect.poll(focused).toMatch(/^clp: /);
    }
    await page.getByRole("button", { name: "Close" }).click();
    await expect.poll(focused).toBe("clp");
  });

  it("shows markup in an entry as text, leads nowhere by itself, and gives no place to who failed", async () => {
    const page = await show("#cells=hostile");
    await page.getByRole("heading", { name: /^hostile:/ }).waitFor();
    expect(await page.locator("#app").textContent()).toContain("<img src=x onerror=");
    expect(await page.locator("img, #app script").count()).toBe(0);
    expect(await page.title()).toBe("Backdoor defects: the leaderboard");
    expect(await page.locator('[data-entry="hostile"] .place').textContent()).toBe("–");
    const links = await page
      .locator("a.elsewhere")
      .evaluateAll((all) => all.map((one) => [one.getAttribute("href"), one.getAttribute("rel")]));
    expect(links).toHaveLength(1);
    expect(links.every(([href, rel]) => href!.startsWith("https://") && rel!.includes("noopener"))).toBe(true);
  });

  it("tells what a link names and is not here, and shows no rows where no defect is like that", async () => {
    const page = await show("#benchmark=fresh-9&cells=nobody&rank=1");
    await expect
      .poll(() => page.locator("p.refusal").textContent())
      .toBe("The link names what is not here, and is shown without it: rank 1; benchmark fresh-9; cells nobody.");
    expect(await page.getByLabel("Benchmark").inputValue()).toBe("sample");
    await page.getByLabel("Benchmark").selectOption("fresh-2211");
    await page.getByLabel("Architecture").selectOption("vgg13w8");
    expect(await page.locator("p.refusal").textContent()).toContain(": cells nobody.");
    await page.goto(`${explored.url}board.html#dataset=mnist&cells=nc`);
    await page.getByText("No defect of this benchmark is like that.").waitFor();
    expect(await page.locator("p.refusal").textContent()).toBe("");
    expect(await page.locator("[data-entry], .cell-table").count()).toBe(0);
    await page.getByLabel("Data set").selectOption("gtsrb");
    await page.locator('[data-entry="nc"]').waitFor();
    expect(await page.locator(".cell-table tbody tr").count()).toBeGreaterThan(0);
  });

  it("fits a phone and passes axe, light and dark", async () => {
    const page = await show("#cells=nc", PHONE);
    await page.locator(".cell-table").waitFor();
    await page.locator("summary").click();
    await expectFitsPhone(page);
  });

  it("asked nothing of anybody else, and had no fault to tell", () => {
    expect(explored.faults).toEqual([]);
  });
});
