/** A window that slides over height and width. */
export interface Window {
  kernel: number;
  stride: number;
  padding: number;
}

/** Height or width after a window has slid over `n` positions and the padding at both ends. */
export function sideAfter(n: number, { kernel, stride, padding }: Window): number {
  return Math.floor((n + 2 * padding - kernel) / stride) + 1;
}

/** A window as ONNX's attributes. */
export function windowAttributes({ kernel, stride, padding }: Window) {
  return {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
  };
}
