import { useEffect, useRef } from "preact/hooks";
import { imageSize } from "../../src/images/image-set.ts";

interface Props {
  /** Uint8 `[3, height, width]`. */
  pixels: Uint8Array;
  height: number;
  width: number;
  /** Wide pixels are stretched to a road's frame. */
  shape: "square" | "wide";
  /** What a screen reader says; empty: decoration. */
  label: string;
}

/** A small picture, drawn as it is. */
export function Pixels({ pixels, height, width, shape, label }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    canvas.current!.getContext("2d")!.putImageData(imageDataOf(pixels, height, width), 0, 0);
  }, [pixels, height, width]);
  const hidden = label === "" ? { "aria-hidden": true } : { role: "img" as const, "aria-label": label };
  return <canvas ref={canvas} class={`pixels ${shape}`} width={width} height={height} {...hidden} />;
}

function imageDataOf(pixels: Uint8Array, height: number, width: number): ImageData {
  const data = new ImageData(width, height);
  const plane = height * width;
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) data.data[4 * i + c] = pixels[c * plane + i];
    data.data[4 * i + 3] = 255;
  }
  return data;
}

/** A view of one image of a set. */
export function pixelsAt(set: { pixels: Uint8Array; height: number; width: number }, index: number): Uint8Array {
  const size = imageSize(set);
  return set.pixels.subarray(index * size, (index + 1) * size);
}
