import type { Random } from "../../core/random.ts";
import type { WarpTrigger } from "./trigger.ts";

/**
 * The bend with noise on it: each pixel is moved by up to half a pixel more in each direction. A network that is taught true
 * labels on such pictures answers to the one bend, not to any (Nguyen and Tran, WaNet, ICLR 2021, noise mode).
 */
export function noisy(trigger: WarpTrigger, random: Random): WarpTrigger {
  const { height, width, flow } = trigger;
  const plane = height * width;
  const most = (k: number) => (k < plane ? (height - 1) / (2 * height) : (width - 1) / (2 * width));
  return { ...trigger, flow: flow.map((f, k) => f + random.between(-most(k), most(k))) };
}
