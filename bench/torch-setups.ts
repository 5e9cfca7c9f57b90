import { ALLOCATORS, type Allocator, allocatorVariables } from "./allocators.ts";
import type { PeerDevice, Workload } from "./job.ts";

/** One way in which an expert would run PyTorch. */
export interface TorchSetup {
  allocator: Allocator;
  /** Tensors channel by channel, or position by position. */
  layout: "channels-first" | "channels-last";
  /** For inference: traced, frozen and optimised. */
  frozen: boolean;
  /** For fine-tuning: batch norm folded, and gradients of the rows that are tuned alone, in place of all of them and masks. */
  rows: boolean;
  /** On a card: kernels chosen by timing. */
  timed: boolean;
  /** Of texts: a batch is computed in so many parts by length, since what fills texts up costs as much as text. */
  parts: number;
  /** Of texts: the optimizer steps all tensors in one call of each operator. */
  foreach: boolean;
}

/** PyTorch as one writes it first. */
export const PLAIN: TorchSetup = {
  allocator: "default",
  layout: "channels-first",
  frozen: false,
  rows: false,
  timed: false,
  parts: 1,
  foreach: false,
};

export function setupName(setup: TorchSetup): string {
  const { allocator, layout, frozen, rows, timed, parts: pieces, foreach } = setup;
  const parts = [
    frozen ? "frozen" : "eager",
    layout === "channels-last" && layout,
    rows && "rows only",
    timed && "timed kernels",
    pieces > 1 && `${pieces} parts by length`,
    foreach && "foreach",
    allocator !== "default" && allocator,
  ];
  return parts.filter(Boolean).join(", ");
}

/** The setups that differ from one another in what PyTorch computes. */
export function waysOf(what: Workload, device: PeerDevice): TorchSetup[] {
  const ways: TorchSetup[] = [];
  for (const layout of ["channels-first", "channels-last"] as const) {
    for (const frozen of what === "infer" || what === "logits" ? [false, true] : [false]) {
      for (const rows of what === "finetune" ? [false, true] : [false]) {
        for (const timed of device === "cpu" ? [false] : [false, true]) {
          ways.push({ ...PLAIN, layout, frozen, rows, timed });
        }
      }
    }
  }
  return ways;
}

/** The same for networks that read texts. */
export function waysOfTexts(): TorchSetup[] {
  return [1, 2, 4].flatMap((parts) => [false, true].map((foreach) => ({ ...PLAIN, parts, foreach })));
}

/** The allocators that are here and matter to a device: a card has its own memory. */
export function allocatorsOn(device: PeerDevice): Allocator[] {
  return device === "cpu" ? ALLOCATORS.filter((name) => allocatorVariables(name) !== undefined) : ["default"];
}
