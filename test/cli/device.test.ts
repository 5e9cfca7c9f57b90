import { describe, expect, it } from "vitest";
import { rowsOf, spawned } from "./program.ts";

/** No driver: what Vulkan's loader is told to look for does not exist. */
const NO_DRIVER = { VK_ICD_FILENAMES: "/nonexistent.json", VK_DRIVER_FILES: "/nonexistent.json" };

const LOCALIZE = ["localize", "--db", "sample", "--criterion", "weight-norm"];

describe("--device", () => {
  it("knows the devices that there are, from the option or the environment", () => {
    const message = "error: --device (BDEFECTS_DEVICE) 'cuda': valid are cpu, webgpu\n";
    expect(spawned([...LOCALIZE, "--device", "cuda"])).toMatchObject({ status: 2, stdout: "", stderr: message });
    expect(spawned(LOCALIZE, { BDEFECTS_DEVICE: "cuda" })).toMatchObject({ status: 2, stdout: "", stderr: message });
  });

  // Elsewhere WebGPU does not go through Vulkan.
  it.runIf(process.platform === "linux").each([
    ["an option", ["--device", "webgpu"], {}],
    ["the environment", [], { BDEFECTS_DEVICE: "webgpu" }],
  ])("is told in one line where it does not open, before anything is done: by %s", (_, args, env) => {
    const { status, stdout, stderr } = spawned([...LOCALIZE, ...args], { ...NO_DRIVER, ...env });
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(
      /^error: --device webgpu: Failed to get a WebGPU adapter.*; compute with --device cpu, or .*\n$/,
    );
  });

  it("env tells whether each opens, and why not", () => {
    expect(rowsOf(["env"])[0]).toMatchObject({ device_cpu: "opens", device_webgpu: expect.stringMatching(/./) });
  });
});
