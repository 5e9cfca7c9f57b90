import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const LONGEST_CLOSE_MS = 10_000;

let found: string | null | undefined;

/** The command of a browser that speaks Chrome's protocol; null where there is none. */
export function findBrowser(): string | null {
  if (found === undefined) found = search();
  return found;
}

function search(): string | null {
  for (const name of NAMES) {
    try {
      execFileSync(name, ["--version"], { stdio: "ignore", timeout: 20_000 });
      return name;
    } catch {
      // The next one.
    }
  }
  return null;
}

/** One page of a real browser without a window, steered through a pipe. */
export class Browser {
  private readonly child: ChildProcess;
  private readonly dir: string;
  private readonly waiting = new Map<number, (answer: { result?: unknown; error?: { message: string } }) => void>();
  private readonly loads: (() => void)[] = [];
  private last = 0;
  private session: string | undefined;

  private constructor(command: string) {
    this.dir = mkdtempSync(join(tmpdir(), "bdefects-browser-"));
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"];
    this.child = spawn(command, [...flags, `--user-data-dir=${this.dir}`, "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    let rest = "";
    (this.child.stdio[4] as Readable).setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest + text).split("\u0000");
      rest = parts.pop()!;
      for (const part of parts) {
        const message = JSON.parse(part);
        if (message.id !== undefined) this.waiting.get(message.id)?.(message);
        else if (message.method === "Page.loadEventFired") for (const loaded of this.loads.splice(0)) loaded();
      }
    });
  }

  static async open(command: string): Promise<Browser> {
    const browser = new Browser(command);
    const { targetId } = (await browser.send("Target.createTarget", { url: "about:blank" })) as { targetId: string };
    const attached = await browser.send("Target.attachToTarget", { targetId, flatten: true });
    browser.session = (attached as { sessionId: string }).sessionId;
    await browser.send("Page.enable");
    return browser;
  }

  /** Opens a file in a window of this width. @param fragment the part of the page that a link led to */
  async show(path: string, width: number, { fragment = "", script = true } = {}): Promise<void> {
    await this.send("Emulation.setScriptExecutionDisabled", { value: !script });
    await this.send("Emulation.setDeviceMetricsOverride", {
      ...{ width, height: 900, deviceScaleFactor: 1, mobile: width < 500 },
    });
    await this.navigate("about:blank");
    await this.navigate(`file://${path}${fragment}`);
  }

  /** The value of an expression in the page. */
  async value<T>(expression: string): Promise<T> {
    const { result } = (await this.send("Runtime.evaluate", { expression, returnByValue: true })) as {
      result: { value: T };
    };
    return result.value;
  }

  async close(): Promise<void> {
    const over = new Promise((done) => this.child.once("exit", done));
    // Asked to, it ends its own processes first: one that outlived it would go on writing into the folder.
    void this.send("Browser.close");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), LONGEST_CLOSE_MS);
    await over;
    clearTimeout(timer);
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 20 });
  }

  private async navigate(url: string): Promise<void> {
    const loaded = new Promise<void>((done) => this.loads.push(done));
    await this.send("Page.navigate", { url });
    await loaded;
  }

  private send(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.last;
    return new Promise((done, failed) => {
      this.waiting.set(id, ({ result, error }) => (error ? failed(new Error(error.message)) : done(result)));
      const message = { id, method, params, sessionId: this.session };
      (this.child.stdio[3] as Writable).write(`${JSON.stringify(message)}\u0000`);
    });
  }
}
