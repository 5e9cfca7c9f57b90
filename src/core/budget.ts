/**
 * How much a criterion may spend on one model (docs/methods.md §10.11): `short`, seconds at width 16 on two cores;
 * `full`, the published effort; `demo`, as little as shows that it runs. Criteria that are quick anyway know no
 * difference.
 */
export const BUDGETS = ["demo", "short", "full"] as const;
export type Budget = (typeof BUDGETS)[number];

/** Where nothing else is said. */
export const DEFAULT_BUDGET: Budget = "short";
