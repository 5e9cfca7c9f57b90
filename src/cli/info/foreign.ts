import { countNeurons } from "../../core/neurons.ts";
import type { ForeignRecord } from "../../records/foreign.ts";
import { bytesText } from "../cell-text.ts";
import { counted, type Part, pageText } from "./page.ts";

/** A model of another make as a flat object: what its files tell. @param why it fits no architecture; null: it fits one */
export function foreignFacts({ model, infected, contribution, told, ...record }: ForeignRecord, why: string | null) {
  return {
    ...record,
    why_no_fit: why,
    poison_path: record.poison_path?.object ?? null,
    infected_neuron_contribution: record.infected_neuron_contribution?.object ?? null,
    infected: infected && countNeurons(infected),
    has_contribution: contribution !== null,
    model_bytes: model.bytes,
    model_sha256: model.decoded_sha256,
    files_not_kept: told.map(({ file }) => file).join(" ") || null,
  };
}

/** A model of another make in words. @param why as above */
export function foreignPage(record: ForeignRecord, why: string | null, dbFlag: string): string {
  const { id, attack, arch, dataset, level, top, source, fits, tensors, parameters, model, infected, told } = record;
  const parts: Part[] = [
    {
      kind: "text",
      sentences: [
        `A model of another make, imported from '${source}': attack ${attack} in ${arch}, for ${dataset}.`,
        `The level is ${level}, the order offset ${top}%.`,
        fits === null ? `It ${why}.` : `Its tensors are those of our ${fits}.`,
        `It has ${counted(parameters, "parameter")} in ${counted(tensors, "tensor")}, stored in ${bytesText(model.bytes)}.`,
        "Its files tell of no clean twin, no sham and no recipe.",
      ],
    },
  ];
  if (infected === null) {
    parts.push({ kind: "text", title: "Infected neurons", sentences: ["Its files tell none that could be read."] });
  } else {
    const rows = Object.entries(infected).map(([layer, indices]) => ({
      ...{ layer, infected: indices.length, neurons: indices.join(" ") },
    }));
    const title = `Infected: ${counted(countNeurons(infected), "neuron")}`;
    parts.push({ kind: "rows", title, rows, listing: { text: "neurons", wrapped: true } });
  }
  if (told.length > 0) {
    parts.push({
      kind: "text",
      title: "Files of the case that were not kept",
      sentences: [told.map(({ file }) => file).join(" ")],
    });
  }
  parts.push({ kind: "commands", title: "Every field", commands: [`bdefects info ${id} --format json${dbFlag}`] });
  return pageText(`${id}: foreign model`, parts);
}
