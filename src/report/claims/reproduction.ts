import type { ReportData } from "../collect.ts";
import type { Cell, Table } from "../tables.ts";
import type { Claim, Finding } from "./claim.ts";
import { Evidence } from "./evidence.ts";
import type { Measured } from "./measured.ts";
import { CLAIMS } from "./registry.ts";

/** A claim with what our results say of it. */
export interface Decided {
  claim: Claim;
  finding: Finding;
}

export interface Reproduction {
  decided: Decided[];
  /** Accepted plain defects: all that claims may rest on. */
  defects: number;
  groups: number;
  models: number;
}

/** Decides every claim about the original's findings from the stored results. */
export function reproduce(data: Pick<ReportData, "accepted" | "scores" | "repairs" | "manifest">): Reproduction {
  const evidence = new Evidence(data);
  const { accepted } = evidence;
  return {
    decided: CLAIMS.map((claim) => ({ claim, finding: claim.decide(evidence) })),
    defects: accepted.length,
    groups: new Set(accepted.map(({ group_id }) => group_id)).size,
    models: new Set(accepted.map(({ clean }) => clean)).size,
  };
}

/** All claims in one table. */
export function claimTable({ decided }: Pick<Reproduction, "decided">): Table {
  return {
    name: "claims",
    caption: "The original's findings beside ours",
    columns: [
      { key: "id", title: "claim", kind: "id" },
      { key: "statement", title: "the original", kind: "text" },
      { key: "verdict", title: "here", kind: "text" },
      { key: "measured", title: "what was measured", kind: "text" },
      { key: "value", title: "ours", kind: "level" },
      { key: "p", title: "p", kind: "p" },
      { key: "models", title: "clean models", kind: "count" },
      { key: "defects", title: "defects", kind: "count" },
      { key: "reason", title: "why", kind: "text" },
    ],
    rows: decided.map(({ claim, finding }): Record<string, Cell> => {
      const { verdict, reason, decisive, p } = finding;
      const ours = { measured: decisive?.what ?? null, value: decisive?.estimate ?? null, p };
      const basis = { models: decisive?.models ?? 0, defects: decisive?.defects ?? 0 };
      return { id: claim.id, statement: claim.statement, verdict, ...ours, ...basis, reason };
    }),
  };
}

/** The figures behind one claim; null where nothing was measured. */
export function figureTable({ claim, finding }: Decided): Table | null {
  const list: Measured[] = [...(finding.decisive ? [finding.decisive] : []), ...finding.figures];
  if (list.length === 0) return null;
  return {
    name: `reproduction-${claim.id}`,
    caption: "What was measured",
    columns: [
      { key: "what", title: "figure", kind: "text" },
      { key: "estimate", title: "mean", kind: "level" },
      { key: "models", title: "clean models", kind: "count" },
      { key: "defects", title: "defects", kind: "count" },
    ],
    rows: list.map(({ what, estimate, models, defects }) => ({ what, estimate, models, defects })),
  };
}
