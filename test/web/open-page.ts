import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { makeFirstView } from "../../src/pipeline/site/first-view.ts";
import { pageFiles } from "../../src/pipeline/site/page-files.ts";
import { remembered } from "../../src/pipeline/site/remembered.ts";
import { type Serving, serve } from "../../src/pipeline/site/serve.ts";
import { type SiteOptions, siteData } from "../../src/pipeline/site/site-files.ts";
import type { Database } from "../../src/store/database.ts";

/** The explorer on a database, in a real browser without a window. */
export class Explored {
  readonly url: string;
  /** What went wrong on any page: errors, warnings, failed requests, requests to elsewhere. */
  readonly faults: string[] = [];
  private readonly serving: Serving;
  private readonly browser: Browser;

  private constructor(serving: Serving, browser: Browser) {
    this.url = serving.url;
    this.serving = serving;
    this.browser = browser;
  }

  /** @param command a browser that speaks Chrome's protocol */
  static async open(database: Database, command: string, options: SiteOptions = {}): Promise<Explored> {
    const files = remembered(new Map([...pageFiles(), ...(await siteData(database, options))]));
    await makeFirstView(files);
    const serving = await serve(files, 0);
    const browser = await chromium.launch({ executablePath: await whereIs(command), args: ["--no-sandbox"] });
    return new Explored(serving, browser);
  }

  /** A page of its own, before it goes anywhere. */
  async page(options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await this.browser.newContext(options)).newPage();
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.faults.push(message.text());
    });
    page.on("pageerror", (error) => this.faults.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith(this.url)) this.faults.push(`asked for ${request.url()}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400) this.faults.push(`${response.status()} ${response.url()}`);
    });
    return page;
  }

  /** A page of the explorer that has answered. @param fragment of its address, with `#` */
  async show(fragment: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.page(options);
    await page.goto(`${this.url}${fragment}`);
    await answersOf(page);
    return page;
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.serving.close();
  }
}

async function whereIs(command: string): Promise<string> {
  const { execFileSync } = await import("node:child_process");
  return execFileSync("sh", ["-c", 'command -v "$1"', "sh", command], { encoding: "utf8" }).trim();
}

/** What the page counted, when it has counted all. @param timeout how long that may take, in milliseconds */
export async function countsOf(
  page: Page,
  timeout = 60_000,
): Promise<{ ca: string; asr: string; asrMilliseconds: number }> {
  const took = page.locator("#took[data-milliseconds]");
  await took.waitFor({ timeout });
  const text = async (id: string) => (await page.locator(id).textContent()) ?? "";
  const asrMilliseconds = Number(await took.getAttribute("data-asr-milliseconds"));
  return { ca: await text("#now-ca"), asr: await text("#now-asr"), asrMilliseconds };
}

/** What the versions answer, as their cards show it. @param timeout how long that may take, in milliseconds */
export async function answersOf(page: Page, timeout = 60_000): Promise<string[]> {
  await page.locator("#answered[data-milliseconds]").waitFor({ timeout });
  return page.locator(".verdict").allTextContents();
}
