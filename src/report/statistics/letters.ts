/**
 * A compact letter display (H.-P. Piepho, J. Comp. Graph. Stat. 13, 2004): two items share a letter exactly where they are not
 * told apart. A letter is a largest set of items of which no two are.
 *
 * @param count of items, best first. @param apart whether items i < j are told apart
 * @returns the letters of each item: `a`, `ab`, …
 */
export function letters(count: number, apart: (i: number, j: number) => boolean): string[] {
  const alike = (i: number, j: number) => !apart(Math.min(i, j), Math.max(i, j));
  const sets: number[][] = [];
  // Bron and Kerbosch: all largest sets, each once.
  const grow = (chosen: number[], open: number[], closed: number[]) => {
    if (open.length === 0 && closed.length === 0) sets.push(chosen);
    let [left, out] = [open, closed];
    for (const next of open) {
      const near = (other: number) => other !== next && alike(next, other);
      grow([...chosen, next], left.filter(near), out.filter(near));
      left = left.filter((other) => other !== next);
      out = [...out, next];
    }
  };
  const all = Array.from({ length: count }, (_, i) => i);
  if (count > 0) grow([], all, []);
  const ordered = sets.map((set) => set.sort((a, b) => a - b)).sort((a, b) => a[0] - b[0] || b.length - a.length);
  return all.map((i) => ordered.flatMap((set, s) => (set.includes(i) ? [letter(s)] : [])).join(""));
}

function letter(at: number): string {
  return at < 26 ? String.fromCharCode(97 + at) : letter(Math.floor(at / 26) - 1) + letter(at % 26);
}
