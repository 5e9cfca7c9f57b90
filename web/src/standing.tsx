import type { Counted } from "./counted.ts";
import { rateText } from "./share.ts";

interface Props {
  counted: Counted | null;
  /** Whether nothing can be counted. */
  failed: boolean;
  silenced: number;
  /** What the quality of a model is called. */
  quality: string;
  /** The neuron that is described below; null: none. */
  neuron: string | null;
}

/** What silencing does, in one line that stays in sight above the network's rows. */
export function Standing({ counted, failed, silenced, quality, neuron }: Props) {
  const known = counted?.current ? counted : null;
  const rates = known && `ASR ${rateText(known.asr)}${known.ca ? `, ${quality} ${rateText(known.ca)}` : ""}`;
  return (
    <div class="standing row spread">
      <p role="status">
        {silenced === 0 ? "Nothing" : silenced === 1 ? "1 neuron" : `${silenced} neurons`} silenced:{" "}
        {rates ?? (failed ? "not counted" : "…")}
      </p>
      {neuron !== null && (
        <button type="button" onClick={() => document.getElementById("neuron-title")?.focus()}>
          To neuron <code>{neuron}</code>
        </button>
      )}
    </div>
  );
}
