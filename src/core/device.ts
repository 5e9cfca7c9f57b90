/**
 * What computes: the processor, or a graphics card through WebGPU (Vulkan, Metal or Direct3D). Numbers agree within
 * rounding; bytes only on one device.
 */
export const DEVICES = ["cpu", "webgpu"] as const;
export type Device = (typeof DEVICES)[number];

export const DEFAULT_DEVICE: Device = "cpu";
