import { z } from "zod";
import { LEVELS, parseDefectId } from "../../../core/ids.ts";
import type { DefectMetrics, DefectRecord } from "../../../records/defect.ts";
import {
  FURTHER_GATE_SETTINGS,
  figuresOf,
  failedGate as firstFailed,
  GATE_SETTINGS,
  isUnseen,
} from "../../../records/gates.ts";
import { metricsOfStep, VERSION_RATES } from "../../../records/metrics.ts";

/** What a record's status promises: models or none, figures that the recipe's gates let pass or do not, a reason. */

const gatesOf = z.looseObject({
  gates: z.strictObject({
    ...fields(GATE_SETTINGS, z.number()),
    ...fields(FURTHER_GATE_SETTINGS, z.number().optional()),
  }),
});

function fields<K extends string, T>(names: readonly K[], type: T): Record<K, T> {
  return Object.fromEntries(names.map((name) => [name, type])) as Record<K, T>;
}

const MODELS = ["infected_model", "sham_model", "trigger", "changed", "labels_sha256"] as const;

const BASE = metricsOfStep("backdoor");
/** Of the infected model, which a candidate does not have into which nothing was injected. */
const INFECTED = [VERSION_RATES.infected.ca, VERSION_RATES.infected.asr];
const CORRELATION = metricsOfStep("correlation");
const SHAM = metricsOfStep("sham");

/** @returns one line per promise that the record breaks */
export function statusFaults(record: DefectRecord): string[] {
  const { status } = record;
  if (status === "accepted" || status === "deprecated") return [...acceptedFaults(record), ...reasonFaults(record)];
  const kept = [...MODELS, "effective" as const, "twin_model" as const].filter((name) => record[name] !== null);
  const faults = kept.map((name) => `${status}, but with '${name}'`);
  return [...faults, ...(status === "rejected" ? rejectedFaults(record) : duplicateFaults(record))];
}

function reasonFaults({ status, reason }: DefectRecord): string[] {
  if (status === "accepted") return reason === null ? [] : ["accepted, but with a reason"];
  return reason === null || reason.trim() === "" ? ["deprecated, but without a reason"] : [];
}

function acceptedFaults(record: DefectRecord): string[] {
  const { status, metrics } = record;
  const faults = MODELS.filter((name) => record[name] === null).map((name) => `${status}, but without '${name}'`);
  if (record.effective === null) faults.push(`${status}, but without 'effective'`);
  const absent = absentOf(metrics, [...BASE, ...CORRELATION, ...SHAM]);
  if (absent.length > 0) return [...faults, `${status}, but without 'metrics.${absent[0]}'`];
  const failed = failedGate(record);
  if (failed !== null) faults.push(`${status}, but its metrics do not pass its recipe's gates: ${failed}`);
  return [...faults, ...controlFaults(record)];
}

/** A gate that holds look-alikes against the clean model's answers to the same needs both. */
function controlFaults({ status, controls, controls_clean: clean, recipe }: DefectRecord): string[] {
  const read = gatesOf.safeParse(recipe);
  const isAsked = controls !== undefined && read.success && read.data.gates.control_rise !== undefined;
  const names = (told: object = {}) => Object.keys(told).sort().join();
  if (!isAsked || names(controls) === names(clean)) return [];
  return [`${status} by the gate 'control_rise', but 'controls_clean' has not the names of 'controls'`];
}

function rejectedFaults(record: DefectRecord): string[] {
  const { reason, metrics } = record;
  if (reason === null || reason.trim() === "") return ["rejected, but without a reason"];
  if (isUnseen(record)) {
    const measured = [...INFECTED, ...CORRELATION, ...SHAM].filter((name) => metrics[name] !== null);
    return measured.map((name) => `rejected before anything was injected, but with 'metrics.${name}'`);
  }
  const absent = absentOf(metrics, BASE);
  if (absent.length > 0) return [`rejected, but without 'metrics.${absent[0]}'`];
  const failed = failedGate(record);
  if (failed === null) return [`rejected for '${reason}', but its metrics pass that gate`];
  if (failed !== reason) return [`rejected for '${reason}', but its metrics and its recipe's gates say '${failed}'`];
  const later = laterThan(failed).filter((name) => metrics[name] !== null);
  return later.map((name) => `rejected before 'metrics.${name}' was measured, but it has a value`);
}

function duplicateFaults({ id, group_id, style, level, top, reason, metrics }: DefectRecord): string[] {
  const faults = Object.values(metrics).some((value) => value !== null) ? ["duplicate, but with metrics"] : [];
  const named = /^duplicate: the same neurons as '([^']+)'$/.exec(reason ?? "")?.[1];
  if (named === undefined) return [...faults, "duplicate, but its reason names no other defect"];
  if (named === id) return [...faults, "duplicate of itself"];
  try {
    const key = parseDefectId(named);
    const fits = named.startsWith(`${group_id}-`) && key.style === style;
    if (!fits) return [...faults, `duplicate of '${named}', which is of another group or style`];
    const [own, other] = [{ level, top }, key].map((one) => 1000 * LEVELS.indexOf(one.level) + one.top);
    return other < own ? faults : [...faults, `duplicate of '${named}', which comes after it`];
  } catch {
    return [...faults, `duplicate of '${named}', which is no defect's id`];
  }
}

/** The text of the first gate that the figures fail, as a build writes it; null: none, as far as they were measured. */
function failedGate(record: DefectRecord): string | null {
  const read = gatesOf.safeParse(record.recipe);
  return read.success ? firstFailed(figuresOf(record), read.data.gates) : "the recipe states no gates";
}

/** Figures that are not measured once this gate failed. */
function laterThan(failed: string): (keyof DefectMetrics)[] {
  if (/^(asr|ca_drop):/.test(failed)) return [...CORRELATION, ...SHAM];
  return /^(sham|sham_rise|control|control_rise|perplexity):/.test(failed) ? [] : [...SHAM];
}

function absentOf(metrics: DefectMetrics, names: readonly (keyof DefectMetrics)[]): (keyof DefectMetrics)[] {
  return names.filter((name) => metrics[name] === null);
}
