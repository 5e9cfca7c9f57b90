import { type Network, unitsOf } from "../../src/graph/network.ts";
import { type Share, sliceOf } from "../../src/graph/units.ts";
import { readSlice } from "../../src/tensor/slices.ts";
import type { LoadedDefect } from "./files.ts";

const ROLES: Record<Share["role"], string> = {
  weight: "weights it reads with",
  up: "weights of what passes its gate",
  bias: "bias",
  gain: "gain γ",
  shift: "shift β",
  outgoing: "weights it is read with",
  mean: "mean μ",
  variance: "variance σ²",
};

/** A part of what a neuron owns. */
export interface Owned {
  share: Share;
  /** How many numbers it is. */
  values: number;
  /** Their L2 norm, and that of their differences from the clean twin's. */
  size: number;
  distance: number;
}

/** What a neuron owns of the infected model, beside the clean twin's. */
export function ownedBy(network: Network, { infected, clean }: LoadedDefect, layer: string, neuron: number): Owned[] {
  const unit = unitsOf(network).find(({ id }) => id === layer)!;
  return unit.owned.map((share) => {
    const slice = sliceOf(share, neuron);
    const [mine, twin] = [readSlice(infected, slice), readSlice(clean, slice)];
    const distance = norm(mine.map((value, i) => value - twin[i]));
    return { share, values: mine.length, size: norm(mine), distance };
  });
}

export function OwnedTable({ owned }: { owned: readonly Owned[] }) {
  return (
    <table>
      <caption>What it owns</caption>
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col">Values</th>
          <th scope="col">Size</th>
          <th scope="col">Distance from the twin</th>
        </tr>
      </thead>
      <tbody>
        {owned.map(({ share, values, size, distance }) => (
          <tr key={share.key}>
            <th scope="row">
              {ROLES[share.role]}
              <br />
              <code class="quiet">{share.key}</code>
            </th>
            <td>{values}</td>
            <td>{size.toPrecision(3)}</td>
            <td>{distance.toPrecision(3)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function norm(values: ArrayLike<number>): number {
  return Math.hypot(...Array.from(values));
}
