import { useEffect, useRef, useState } from "preact/hooks";
import type { PaintedTrigger } from "../../src/images/trigger/trigger.ts";

/** Pixels of an edge of the brush. */
const BRUSH = 3;

/** A stamp that leaves every picture as it is. */
export function emptyTrigger(height: number, width: number): PaintedTrigger {
  const plane = height * width;
  return { height, width, opacity: new Float32Array(plane), pattern: new Uint8Array(3 * plane) };
}

function painted(trigger: PaintedTrigger, x: number, y: number, color: string): PaintedTrigger {
  const { height, width } = trigger;
  const next = { height, width, opacity: trigger.opacity.slice(), pattern: trigger.pattern.slice() };
  const channels = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  for (let dy = 0; dy < BRUSH; dy++) {
    for (let dx = 0; dx < BRUSH; dx++) {
      const [row, column] = [y + dy - 1, x + dx - 1];
      if (row < 0 || column < 0 || row >= height || column >= width) continue;
      const at = row * width + column;
      next.opacity[at] = 1;
      for (let c = 0; c < 3; c++) next.pattern[c * height * width + at] = channels[c];
    }
  }
  return next;
}

interface Props {
  trigger: PaintedTrigger;
  /** What lies below the paint, `[3, height, width]`. */
  below: Uint8Array;
  shape: "square" | "wide";
  onPaint(trigger: PaintedTrigger): void;
}

/** The picture as something to paint on: with a pointer, or with arrow keys and the space bar. */
export function Paint({ trigger, below, shape, onPaint }: Props) {
  const { height, width } = trigger;
  const canvas = useRef<HTMLCanvasElement>(null);
  const newest = useRef(trigger);
  const [color, setColor] = useState("#ff00ff");
  const [at, setAt] = useState<[x: number, y: number] | null>(null);
  newest.current = trigger;

  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const plane = height * width;
    const data = new ImageData(width, height);
    for (let i = 0; i < plane; i++) {
      const source = trigger.opacity[i] > 0 ? trigger.pattern : below;
      for (let c = 0; c < 3; c++) data.data[4 * i + c] = source[c * plane + i];
      data.data[4 * i + 3] = 255;
    }
    context.putImageData(data, 0, 0);
    if (!at) return;
    context.strokeStyle = "white";
    context.strokeRect(at[0] - 1.5, at[1] - 1.5, BRUSH + 1, BRUSH + 1);
  }, [trigger, below, height, width, at]);

  const paintAt = (x: number, y: number) => {
    newest.current = painted(newest.current, x, y, color);
    onPaint(newest.current);
  };
  const onPointer = (event: PointerEvent) => {
    if (event.buttons === 0) return;
    const box = canvas.current!.getBoundingClientRect();
    const place = (offset: number, pixels: number, edge: number) => Math.floor((offset * pixels) / edge);
    paintAt(place(event.clientX - box.left, width, box.width), place(event.clientY - box.top, height, box.height));
  };
  const onKey = (event: KeyboardEvent) => {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const [x, y] = at ?? [width >> 1, height >> 1];
    const step = steps[event.key];
    if (step) setAt([clamp(x + step[0], width), clamp(y + step[1], height)]);
    else if (event.key === " ") paintAt(x, y);
    else return;
    event.preventDefault();
  };
  return (
    <div class="paint">
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: the role of what takes all keys */}
      <canvas
        ref={canvas}
        class={`pixels easel ${shape}`}
        width={width}
        height={height}
        tabIndex={0}
        role="application"
        aria-label="Paint a stamp: arrow keys move the brush, space paints"
        onPointerDown={onPointer}
        onPointerMove={onPointer}
        onKeyDown={onKey}
        onFocus={() => setAt(at ?? [width >> 1, height >> 1])}
        onBlur={() => setAt(null)}
      />
      <div class="row">
        <label>
          Colour <input type="color" value={color} onInput={(event) => setColor(event.currentTarget.value)} />
        </label>
        <button type="button" onClick={() => onPaint(emptyTrigger(height, width))}>
          Wipe
        </button>
      </div>
    </div>
  );
}

function clamp(at: number, side: number): number {
  return Math.min(side - 1, Math.max(0, at));
}
