import { InputError } from "../../core/errors.ts";
import { decodeTensors, encodeTensors, floatBytes, floatsOf } from "../../tensor/safetensors.ts";
import type { PaintedTrigger } from "./trigger.ts";

/** A trigger as safetensors: `opacity` F32 `[height, width]`, `pattern` U8 `[3, height, width]`. */
export function encodeTrigger({ height, width, opacity, pattern }: PaintedTrigger): Uint8Array {
  return encodeTensors(
    new Map([
      ["opacity", { dtype: "F32", shape: [height, width], bytes: floatBytes(opacity) }],
      ["pattern", { dtype: "U8", shape: [3, height, width], bytes: pattern }],
    ]),
  );
}

/** @throws InputError where the bytes are no trigger. */
export function decodeTrigger(bytes: Uint8Array, name: string): PaintedTrigger {
  const tensors = decodeTensors(bytes, name);
  const opacity = tensors.get("opacity");
  const pattern = tensors.get("pattern");
  const [height, width] = opacity?.shape ?? [];
  const fits =
    opacity?.dtype === "F32" &&
    opacity.shape.length === 2 &&
    pattern?.dtype === "U8" &&
    pattern.shape.join() === [3, height, width].join();
  if (!fits) throw new InputError(`${name}: not a trigger: expected opacity [h, w] and pattern [3, h, w]`);
  return { height, width, opacity: floatsOf(opacity.bytes), pattern: pattern.bytes };
}
