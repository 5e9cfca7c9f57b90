/**
 * Variables that repeat a command line: npm's and sudo's, the shell's last command, and this program's own settings. What
 * is in a command line says which model is judged, and where the database lies.
 */
const COMMAND_LINES = /^(BDEFECTS_.*|npm_.*|SUDO_COMMAND|_|OLDPWD)$/i;
/** A defect's id, wherever it stands (`src/core/ids.ts`). */
const DEFECT_ID = /-top\d{3}(?!\d)/;

/**
 * The user's environment for a plug-in, without what says where the database lies or which defect is judged.
 *
 * @param hidden folders by absolute path; a variable that names one is left out
 * @param place the plug-in's working folder
 */
export function pluginEnvironment(
  folder: string,
  hidden: readonly string[],
  place: string,
): Record<string, string | undefined> {
  const tells = (value: string) => DEFECT_ID.test(value) || hidden.some((path) => value.includes(path));
  const kept = Object.entries(process.env).filter(
    ([name, value]) => !COMMAND_LINES.test(name) && !tells(value ?? "") && name !== "PWD",
  );
  return { ...Object.fromEntries(kept), PWD: place, BDEFECTS_SUSPECT: folder };
}
