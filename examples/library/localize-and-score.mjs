// A criterion of ours and one of your own, judged blind on a defect and its sham. Both read weights alone, so no images are needed.
import { list, localize, open, score } from "bdefects4nn";

const largestWeight = {
  name: "largest-weight",
  title: "Largest absolute weight of a filter",
  kind: "program",
  access: "clean",
  needsData: false,
  // `state` holds the weights by PyTorch's names; a suspect has no label, twin or path.
  async localize({ network, state }) {
    const scores = {};
    for (const { op, id, out } of network.nodes) {
      if (op !== "conv") continue;
      const { data } = state.get(`${id}.weight`);
      const size = data.length / out;
      scores[id] = Array.from({ length: out }, (_, c) =>
        Math.max(...data.subarray(c * size, (c + 1) * size).map(Math.abs)),
      );
    }
    return { raw: scores, scores, native: {} };
  },
};

const database = await open("sample");
const [{ id }] = await list(database, "arch = 'resnet18w8' and attack = 'badnets' and status = 'accepted'");
const predictions = await localize(database, { names: [id], criteria: ["clp", largestWeight] });
for (const row of score(database, predictions)) {
  if (row.truth !== "effective" || row.quota !== "global") continue;
  console.log(`${row.criterion} on ${row.id}:${row.version}: WJI ${row.wji.toFixed(3)}, AUROC ${row.auroc.toFixed(3)}`);
}
