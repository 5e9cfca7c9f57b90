import type { ImageTrigger } from "../../images/trigger/trigger.ts";
import type { TriggerFile } from "../../records/checkout.ts";
import { prettyJson } from "../disk/json.ts";

/** The trigger as `trigger.json` states it. @param others further looks, where samples get one after the other */
export function triggerJson(trigger: ImageTrigger, others: readonly ImageTrigger[] = []): string {
  const looks = [trigger, ...others].map(fileOf);
  return `${prettyJson({ ...looks[0], ...(others.length > 0 && { looks }) })}\n`;
}

function fileOf(trigger: ImageTrigger): TriggerFile & { formula: string } {
  const { height, width } = trigger;
  const rows = (values: ArrayLike<number>, plane: number) =>
    Array.from({ length: height }, (_, y) =>
      Array.from({ length: width }, (_, x) => values[(plane * height + y) * width + x]),
    );
  const planes = (values: ArrayLike<number>, count: number) => Array.from({ length: count }, (_, p) => rows(values, p));
  const size = { height, width };
  return trigger.kind === "additive"
    ? {
        formula: "x' = round(x + signal) within 0..255, x in 0..255",
        kind: "additive",
        ...size,
        signal: planes(trigger.signal, 3),
      }
    : trigger.kind === "warp"
      ? {
          formula:
            "x' at row i, column j = round(x at (i + flow[0], j + flow[1])), bilinear between pixels, the edge beyond the picture",
          kind: "warp",
          ...size,
          flow: planes(trigger.flow, 2),
        }
      : {
          formula: "x' = round((1 - opacity) * x + opacity * pattern), x in 0..255",
          ...size,
          opacity: rows(trigger.opacity, 0),
          pattern: planes(trigger.pattern, 3),
        };
}

/** The trigger that a `trigger.json` states; null where its rows are not as many and as long as it says. */
export function triggerFromFile(file: TriggerFile): ImageTrigger | null {
  const { height, width } = file;
  const isFull = (planes: number[][][]) =>
    planes.every((rows) => rows.length === height && rows.every((row) => row.length === width));
  const floats = (planes: number[][][]) => Float32Array.from(planes.flat(2));
  if (file.kind === "additive")
    return isFull(file.signal) ? { kind: file.kind, height, width, signal: floats(file.signal) } : null;
  if (file.kind === "warp")
    return isFull(file.flow) ? { kind: file.kind, height, width, flow: floats(file.flow) } : null;
  if (!isFull([file.opacity, ...file.pattern])) return null;
  return { height, width, opacity: floats([file.opacity]), pattern: Uint8Array.from(file.pattern.flat(2)) };
}
