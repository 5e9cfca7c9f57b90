import { listNeurons } from "../../core/neurons.ts";
import type { DefectLabels, DefectRecord } from "../schema.ts";

/** Finds what no two defects share: their models, and inside a group of one clean model and style their neurons. */
export class Copies {
  private readonly seen = new Map<string, string>();

  /** @returns one line per thing that an earlier defect has too */
  faultsOf(record: DefectRecord, labels: DefectLabels | null): string[] {
    const { id, group_id, style, clean, infected_model, sham_model } = record;
    const faults: string[] = [];
    const claim = (key: string, what: string) => {
      const other = this.seen.get(key);
      if (other === undefined) this.seen.set(key, id);
      else if (other !== id) faults.push(`has the ${what} of '${other}'`);
    };
    if (infected_model) claim(`model ${infected_model.decoded_sha256}`, "infected model");
    if (sham_model) claim(`sham ${sham_model.decoded_sha256}`, "sham");
    if (labels)
      claim(`neurons ${group_id} ${style} ${clean} ${listNeurons(labels.infected).join()}`, "infected neurons");
    return faults;
  }
}
