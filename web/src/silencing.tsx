import type { Silence } from "./view.ts";

interface Props {
  /** How many neurons are infected. */
  infected: number;
  /** What is silenced, and how many neurons that is. */
  silence: Silence;
  silenced: number;
  criteria: readonly string[];
  criterion: string | null;
  onSilence(silence: Silence): void;
  onCriterion(criterion: string): void;
}

/** Rules that silence many neurons at once. */
export function Silencing({ infected, silence, silenced, criteria, criterion, onSilence, onCriterion }: Props) {
  const rules: [Silence, string][] = [
    ["none", "None"],
    ["infected", `All ${infected} infected`],
    ["random", `${infected} others at random`],
    ...(criterion ? [["top", `Top ${infected} of ${criterion}`] as [Silence, string]] : []),
  ];
  return (
    <fieldset class="row" aria-label="Neurons to silence">
      <span>Silence</span>
      {rules.map(([rule, title]) => (
        <button
          key={title}
          type="button"
          aria-pressed={rule === "none" ? silenced === 0 : silence === rule}
          onClick={() => onSilence(rule)}
        >
          {title}
        </button>
      ))}
      {criteria.length > 0 && (
        <label>
          Criterion{" "}
          <select value={criterion ?? ""} onChange={(event) => onCriterion(event.currentTarget.value)}>
            {criteria.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
    </fieldset>
  );
}
