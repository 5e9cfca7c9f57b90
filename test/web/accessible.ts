import axe from "axe-core";
import type { Page } from "playwright-core";
import { expect } from "vitest";

const WIDTH = 390;

/** What a page is opened with to be seen on a phone. */
export const PHONE = { viewport: { width: WIDTH, height: 844 } };

/** That a page opened with `PHONE` never scrolls sideways, and has no violation that axe can see, light or dark. */
export async function expectFitsPhone(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await page.evaluate("document.documentElement.scrollWidth"), colorScheme).toBe(WIDTH);
    const found = (await page.evaluate("axe.run()")) as { violations: { id: string; nodes: { html: string }[] }[] };
    const violations = found.violations.map((rule) => [rule.id, rule.nodes.map(({ html }) => html).slice(0, 3)]);
    expect(violations, colorScheme).toEqual([]);
  }
}
