import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { LINE_EVERY_MS, Progress } from "../../src/cli/progress.ts";

/** A stream that keeps what is written, and a clock that is set by hand. */
function place(isTTY: boolean, columns = 80) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns });
  const clock = { ms: 0 };
  const written = () => (stream.read() as Buffer | null)?.toString() ?? "";
  return { options: { stream, now: () => clock.ms }, clock, written };
}

describe("progress without a terminal", () => {
  it("is a line at most every ten seconds, with what is left by the pace so far", () => {
    const { options, clock, written } = place(false);
    const progress = new Progress("cells", String, options);
    for (let done = 0; done <= 40; done++) {
      progress.update({ done, total: 40, what: `cell ${done}` });
      clock.ms += 4000;
    }
    const lines = written().trim().split("\n");
    expect(lines[0]).toBe("3 of 40 cells, about 2 min left (cell 3)");
    expect(lines.length).toBeLessThanOrEqual((41 * 4000) / LINE_EVERY_MS);
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) expect(line).toMatch(/^\d+ of 40 cells(, about [^(]+ left)? \(cell \d+\)$/);
  });

  it("is silent where the work is short, knows nothing at first, and takes a better guess", () => {
    const { options, clock, written } = place(false);
    const progress = new Progress("cells", String, options);
    progress.update({ done: 0, total: 2, what: "a" });
    clock.ms = 9999;
    progress.update({ done: 1, total: 2, what: "b" });
    expect(written()).toBe("");
    clock.ms = 10_000;
    progress.update({ done: 1, total: 2, what: "b", left: () => 7200 });
    progress.say("a note");
    expect(written()).toBe("1 of 2 cells, about 2.0 h left (b)\na note\n");
    clock.ms = 19_999;
    progress.update({ done: 1, total: 2, what: "b" });
    expect(written()).toBe("");
    clock.ms = 20_000;
    progress.update({ done: 1, total: 2, what: "b", left: () => 7200 });
    expect(written()).toBe("1 of 2 cells, about 2.0 h left (b)\n");
    clock.ms = 30_000;
    progress.update({ done: 1, total: 2, what: "b", left: () => null });
    expect(written()).toBe("1 of 2 cells (b)\n");
  });

  it("tells less from second to second while one step goes on, and nothing once that takes longer than others did", () => {
    const { options, clock, written } = place(false);
    const progress = new Progress("cells", String, options);
    const said = (ms: number, done: number) => {
      clock.ms = ms;
      progress.update({ done, total: 3, what: "" });
      return written();
    };
    expect(said(0, 0)).toBe("");
    expect(said(40_000, 1)).toBe("1 of 3 cells, about 80 s left\n");
    expect(said(60_000, 1)).toBe("1 of 3 cells, about 60 s left\n");
    expect(said(100_000, 1)).toBe("1 of 3 cells, about 40 s left\n");
    expect(said(120_000, 2)).toBe("2 of 3 cells, about 60 s left\n");
    expect(said(150_000, 2)).toBe("2 of 3 cells, about 30 s left\n");
    expect(said(200_000, 2)).toBe("2 of 3 cells\n");
  });

  it("writes no control character, of names neither", () => {
    const { options, clock, written } = place(false);
    const progress = new Progress("MB", (bytes) => (bytes / 1e6).toFixed(1), options);
    progress.update({ done: 0, total: 9e6, what: "x" });
    clock.ms = 11_000;
    progress.update({ done: 3e6, total: 9e6, what: "a\u001b[2Jb" });
    progress.stop();
    expect(written()).toBe("3.0 of 9.0 MB, about 22 s left (a\\x1b[2Jb)\n");
  });
});

describe("progress on a terminal", () => {
  it("is a bar that fits the line, and leaves cursor and wrapping alone", () => {
    for (const columns of [20, 40, 80, 200]) {
      const { options, clock, written } = place(true, columns);
      const progress = new Progress("models", String, options);
      progress.update({ done: 0, total: 9, what: "x".repeat(300) });
      clock.ms = 60_000;
      progress.update({ done: 3, total: 9, what: "y".repeat(300) });
      progress.say("a note");
      progress.stop();
      const text = written();
      for (const code of ["?25l", "?25h", "?7l", "?7h"]) expect(text).not.toContain(`\u001b[${code}`);
      expect(text).toContain("a note\n");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what moves the cursor has no width
      for (const line of text.replace(/\u001b(\[[0-9;]*[A-Za-z]|7|8)/g, "\n").split(/[\r\n]/)) {
        expect(line.length).toBeLessThan(columns);
      }
    }
  });
});
