import { InputError } from "../../core/errors.ts";
import { CHANNELS } from "../../pictures/picture.ts";
import { decodeTensors, encodeTensors, floatBytes, floatsOf, type RawTensor } from "../../tensor/safetensors.ts";
import type { ImageTrigger } from "./trigger.ts";

/**
 * A trigger as safetensors: `opacity` F32 `[height, width]` and `pattern` U8 `[3, height, width]`; or `signal` F32
 * `[3, height, width]`; or `flow` F32 `[2, height, width]`.
 */
export function encodeTrigger(trigger: ImageTrigger): Uint8Array {
  const { height, width } = trigger;
  const floats = (values: Float32Array, ...shape: number[]): RawTensor => ({
    dtype: "F32",
    shape: [...shape, height, width],
    bytes: floatBytes(values),
  });
  if (trigger.kind === "additive") return encodeTensors(new Map([["signal", floats(trigger.signal, CHANNELS)]]));
  if (trigger.kind === "warp") return encodeTensors(new Map([["flow", floats(trigger.flow, 2)]]));
  return encodeTensors(
    new Map([
      ["opacity", floats(trigger.opacity)],
      ["pattern", { dtype: "U8", shape: [CHANNELS, height, width], bytes: trigger.pattern }],
    ]),
  );
}

/** @throws InputError where the bytes are no trigger. */
export function decodeTrigger(bytes: Uint8Array, name: string): ImageTrigger {
  const tensors = decodeTensors(bytes, name);
  const is = (key: string, dtype: string, ...first: number[]): RawTensor | undefined => {
    const tensor = tensors.get(key);
    const isOne = tensor?.dtype === dtype && tensor.shape.length === first.length + 2;
    return isOne && first.every((n, i) => tensor.shape[i] === n) ? tensor : undefined;
  };
  const sizeOf = ({ shape }: RawTensor) => ({ height: shape[shape.length - 2], width: shape[shape.length - 1] });
  const signal = is("signal", "F32", CHANNELS);
  if (signal) return { kind: "additive", ...sizeOf(signal), signal: floatsOf(signal.bytes) };
  const flow = is("flow", "F32", 2);
  if (flow) return { kind: "warp", ...sizeOf(flow), flow: floatsOf(flow.bytes) };
  const opacity = is("opacity", "F32");
  const pattern = is("pattern", "U8", CHANNELS);
  if (!opacity || !pattern || pattern.shape.slice(1).join() !== opacity.shape.join()) {
    throw new InputError(
      `${name}: not a trigger: expected opacity [h, w] and pattern [3, h, w], a signal [3, h, w] or a flow [2, h, w]`,
    );
  }
  return { ...sizeOf(opacity), opacity: floatsOf(opacity.bytes), pattern: pattern.bytes };
}
