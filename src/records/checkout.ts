import { z } from "zod";
import { defectRecord } from "./defect.ts";

/** The files of a checkout that say what its model is. */

/** What `model.json` of a checkout begins with. */
export const CHECKOUT_FORMAT = "bdefects4nn-checkout-1";

/** Labels are bytes. */
const MOST_CLASSES = 256;
const MOST_SIDE = 1024;

const side = z.number().int().min(1).max(MOST_SIDE);
const channels = (value: z.ZodNumber) => z.tuple([value, value, value]);

/** `model.json`. */
export const modelFile = z.looseObject({
  format: z.literal(CHECKOUT_FORMAT),
  dataset: z.string(),
  arch: z.string(),
  classes: z.array(z.string()).min(1).max(MOST_CLASSES),
  mean: channels(z.number().min(0).max(1)),
  std: channels(z.number().min(1e-3).max(10)),
  input: z.union([
    z.strictObject({ channels: z.literal(3), height: side, width: side }),
    z.strictObject({ channels: z.literal(2), height: side, width: z.literal(1), tokens: z.literal(true) }),
  ]),
  layers: z.unknown(),
  nodes: z.unknown(),
});

const plane = (value: z.ZodNumber) => z.array(z.array(value));
const grey = z.number().min(-255).max(255);
const moved = z.number().min(-MOST_SIDE).max(MOST_SIDE);

/** `trigger.json`: painted, which has no kind; added; or bent. */
export const triggerFile = z.union([
  z.looseObject({
    kind: z.undefined().optional(),
    height: side,
    width: side,
    opacity: plane(z.number().min(0).max(1)),
    pattern: z.array(plane(z.number().int().min(0).max(255))).length(3),
  }),
  z.looseObject({ kind: z.literal("additive"), height: side, width: side, signal: z.array(plane(grey)).length(3) }),
  z.looseObject({ kind: z.literal("warp"), height: side, width: side, flow: z.array(plane(moved)).length(2) }),
]);
export type TriggerFile = z.infer<typeof triggerFile>;

/** `record.json`: the record of the defect, as far as tests need it. */
export const recordFile = z.looseObject(
  defectRecord.pick({
    id: true,
    task: true,
    dataset: true,
    arch: true,
    target: true,
    metrics: true,
    data_sha256: true,
    trigger: true,
    clean_sha256: true,
    twin_model: true,
  }).shape,
);

/** `record.json` of a checkout of any kind. */
export const anyRecord = z.looseObject({ kind: z.unknown() });
