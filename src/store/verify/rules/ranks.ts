import type { Level } from "../../../core/ids.ts";
import type { NeuronSet } from "../../../core/neurons.ts";
import { neuronLayers } from "../../../graph/network.ts";
import { ranksOf } from "../../../inject/quantity.ts";
import type { DefectRecord } from "../../../records/defect.ts";
import { ATTACKS, buildNetwork } from "../../../tasks/registry.ts";

/** What of a record says which ranks its neurons have. */
type Ranked = Pick<DefectRecord, "id" | "arch" | "clean" | "attack" | "level" | "top">;

/** The first defect that told the neurons of a level and offset. */
interface Told {
  id: string;
  level: Level;
  top: number;
  infected: NeuronSet;
}

/** Another processor may rank neurons of nearly equal contribution otherwise: this share of the layers may differ. */
const MOST_DIFFERING = 0.1;

/**
 * Infected neurons against those of other defects. All that are injected alike into one clean model take ranks of one order
 * (docs/methods.md §6.1, §6.2). Level and offset say which ranks, and so how many neurons of a layer two defects share;
 * the order itself is not needed.
 */
export class Ranks {
  private readonly orders = new Map<string, Map<string, Told>>();
  private readonly widths = new Map<string, Map<string, number>>();

  /**
   * @returns one line where this defect and one that was told before cannot both have the ranks that their ids state
   * @throws InputError where there is no such architecture
   */
  faults({ id, arch, clean, attack, level, top }: Ranked, infected: NeuronSet): string[] {
    const key = `${clean} ${ATTACKS.get(attack)?.injection}`;
    const told = this.orders.get(key) ?? new Map<string, Told>();
    this.orders.set(key, told);
    const own = { id, level, top, infected };
    const widths = this.widthsOf(arch);
    const other = [...told.values()].find((one) => one.id !== id && !isOneOrder(one, own, widths));
    if (!told.has(`${level} ${top}`)) told.set(`${level} ${top}`, own);
    return other
      ? [`its infected neurons and those of '${other.id}' cannot both have the ranks of their level and offset`]
      : [];
  }

  private widthsOf(arch: string): Map<string, number> {
    // How many classes there are changes no layer of neurons.
    const made = () => new Map(neuronLayers(buildNetwork(arch, 2)).map(({ name, width }) => [name, width]));
    const widths = this.widths.get(arch) ?? made();
    this.widths.set(arch, widths);
    return widths;
  }
}

function isOneOrder(a: Told, b: Told, widths: ReadonlyMap<string, number>): boolean {
  let differing = 0;
  for (const [layer, width] of widths) {
    const [first, second] = [a, b].map(({ level, top }) => ranksOf(level, top, width));
    const wanted = Math.max(0, Math.min(first.end, second.end) - Math.max(first.start, second.start));
    const channels = new Set(own(a.infected, layer));
    if (own(b.infected, layer).filter((channel) => channels.has(channel)).length !== wanted) differing++;
  }
  return differing <= MOST_DIFFERING * widths.size;
}

function own(set: NeuronSet, layer: string): number[] {
  return Object.hasOwn(set, layer) ? set[layer] : [];
}
