import { memo } from "preact/compat";
import { useCallback, useState } from "preact/hooks";
import { formatNeuron, type LayerWidth, type NeuronSet } from "../../src/core/neurons.ts";

interface RowProps {
  layer: string;
  width: number;
  infected: readonly number[];
  effective: readonly number[];
  suspicious: readonly number[];
  silenced: readonly number[];
  /** The neuron of this layer that is shown below, or -1. */
  shown: number;
  /** The neuron of this layer at which the tab key stops, or -1. */
  stop: number;
  onNeuron(layer: string, neuron: number): void;
}

const Row = memo(({ layer, width, infected, effective, suspicious, silenced, shown, stop, onNeuron }: RowProps) => (
  <fieldset class="layer" aria-label={`${layer}: ${width} neurons`}>
    <span class="layer-name" aria-hidden="true">
      {layer}
    </span>
    <span class="cells">
      {Array.from({ length: width }, (_, n) => {
        const marks = [
          infected.includes(n) && "infected",
          effective.includes(n) && "effective",
          suspicious.includes(n) && "suspicious",
        ].filter((mark) => mark !== false);
        const isSilent = silenced.includes(n);
        const name = `${layer}:${n}`;
        return (
          <button
            key={name}
            type="button"
            class={["neuron", ...marks, n === shown && "shown"].filter(Boolean).join(" ")}
            data-neuron={name}
            aria-pressed={isSilent}
            aria-label={[name, ...marks, isSilent && "silenced"].filter(Boolean).join(", ")}
            title={[name, ...marks].join(", ")}
            tabIndex={n === stop ? 0 : -1}
            onClick={() => onNeuron(layer, n)}
          />
        );
      })}
    </span>
  </fieldset>
));

interface Props {
  layers: readonly LayerWidth[];
  infected: NeuronSet;
  effective: NeuronSet;
  suspicious: NeuronSet;
  silenced: NeuronSet;
  /** A neuron of these layers that is shown below; null: none. */
  shown: string | null;
  onNeuron(layer: string, neuron: number): void;
}

const NONE: number[] = [];

/**
 * The network as rows of neurons, each a switch. Arrow keys go from neuron to neuron and from layer to layer; the tab key stops at one
 * of them alone, the last that was focused.
 */
export function NetworkRows({ layers, infected, effective, suspicious, silenced, shown, onNeuron }: Props) {
  const [focused, setFocused] = useState(shown);
  const stop = focused ?? (layers[0] && formatNeuron(layers[0].name, 0));
  const onKey = useCallback((event: KeyboardEvent) => {
    const to = neighbour(event.target as HTMLElement, event.key);
    if (!to) return;
    event.preventDefault();
    to.focus();
  }, []);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are its buttons'
    <div
      class="network"
      onKeyDown={onKey}
      onFocusIn={({ target }) => setFocused((target as HTMLElement).dataset.neuron ?? null)}
    >
      {layers.map(({ name, width }) => (
        <Row
          key={name}
          {...{ layer: name, width, onNeuron }}
          infected={infected[name] ?? NONE}
          effective={effective[name] ?? NONE}
          suspicious={suspicious[name] ?? NONE}
          silenced={silenced[name] ?? NONE}
          shown={indexIn(name, shown)}
          stop={indexIn(name, stop)}
        />
      ))}
    </div>
  );
}

/** The square of a neuron. */
export function focusNeuron(neuron: string): void {
  document.querySelector<HTMLElement>(`[data-neuron="${CSS.escape(neuron)}"]`)?.focus();
}

/** The index of a neuron in a layer, or -1. */
function indexIn(layer: string, neuron: string | null): number {
  return neuron?.startsWith(`${layer}:`) ? Number(neuron.slice(layer.length + 1)) : -1;
}

/** The neuron that an arrow key leads to; in another layer the one at the same place, or the last. */
function neighbour(from: HTMLElement, key: string): HTMLElement | null {
  const cells = from.parentElement;
  if (!cells || !from.dataset.neuron) return null;
  if (key === "ArrowRight") return from.nextElementSibling as HTMLElement | null;
  if (key === "ArrowLeft") return from.previousElementSibling as HTMLElement | null;
  if (key !== "ArrowUp" && key !== "ArrowDown") return null;
  const layer = cells.parentElement!;
  const other = key === "ArrowUp" ? layer.previousElementSibling : layer.nextElementSibling;
  const others = other?.querySelectorAll<HTMLElement>(".neuron");
  if (!others) return null;
  return others[Math.min([...cells.children].indexOf(from), others.length - 1)];
}
