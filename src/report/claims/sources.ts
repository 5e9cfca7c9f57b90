/**
 * Where the original's findings are told; its full method section is not among what this project has read
 * (docs/methods.md §2).
 */
export const PROJECT_SITE = "project site of BDefects4NN, an early version";
export const PAPER = "BDefects4NN, ICSE 2025 (arXiv:2412.00746): abstract, introduction and project site";
