import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface Lock {
  packages: Record<string, { hasInstallScript?: boolean; resolved?: string; integrity?: string; link?: boolean }>;
}

const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as Lock;
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { allowScripts: Record<string, boolean> };

describe("npm ci", () => {
  it("runs no install step that would download: ONNX Runtime's is not in the lock, and newer npm is told", () => {
    // npm writes this entry's `hasInstallScript` where it makes the lock anew: take it out again.
    expect(lock.packages["node_modules/onnxruntime-node"].hasInstallScript).toBeUndefined();
    const scripted = Object.keys(lock.packages).filter((path) => lock.packages[path].hasInstallScript);
    for (const path of scripted) expect(manifest.allowScripts[path.split("node_modules/").at(-1)!], path).toBe(false);
    expect(manifest.allowScripts["onnxruntime-node"]).toBe(false);
  });

  it("says nothing about .npmrc: every key is npm's own", () => {
    const keys = readFileSync(".npmrc", "utf8")
      .split("\n")
      .filter((line) => line.trim() !== "" && !/^[#;]/.test(line))
      .map((line) => line.split("=")[0].trim());
    expect(keys.sort()).toEqual(["audit", "fund", "omit-lockfile-registry-resolved"]);
  });
});
