import { tryDevice } from "../../src/engine/probe.ts";

/** Whether a WebGPU device opens here. Where BDEFECTS_WEBGPU is set there must be one. */
export async function hasWebGpu(): Promise<boolean> {
  try {
    await tryDevice("webgpu");
    return true;
  } catch (error) {
    if (process.env.BDEFECTS_WEBGPU) throw error;
    return false;
  }
}

/** Whether all is compared, in place of what covers every operator: BDEFECTS_WEBGPU=all. */
export const comparesAll = process.env.BDEFECTS_WEBGPU === "all";
