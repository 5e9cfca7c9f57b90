/** The six localization criteria of the original study, under our names (docs/methods.md §2). */
export const ORIGINAL_CRITERIA = ["fp", "nc", "anp", "clp", "slicer", "deepmufl"] as const;

/** Its two repairs. */
export const ORIGINAL_REPAIRS = ["prune", "finetune"] as const;
