import type { Trigger } from "../../attacks/types.ts";
import type { Network } from "../../graph/network.ts";

/** A trigger against the network that sees it. @returns one line per fault */
export function triggerFaults({ height, width, opacity }: Trigger, { input }: Network): string[] {
  const faults: string[] = [];
  if (height !== input.height || width !== input.width) {
    faults.push(`the trigger has ${height} × ${width} pixels, the network's input ${input.height} × ${input.width}`);
  }
  if (!opacity.every((value) => value >= 0 && value <= 1)) faults.push("the trigger's opacity is outside 0 to 1");
  return faults;
}
