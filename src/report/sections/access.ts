/**
 * What a criterion may see, as a heading: results of different access never share a ranking (docs/methods.md §10.11).
 */
export const ACCESS: Record<string, string> = {
  clean: "Criteria that see the model and clean samples",
  failing: "Criteria that also see triggered samples",
  oracle: "Criteria that know the target or the trigger",
};
