import type { ConvUnit, LayerNode, Network } from "../../../graph/network.ts";

/**
 * ResNet-18 with the CIFAR stem: 3×3 convolution, no max-pool, four stages of two basic blocks, post-activation,
 * 1×1 projection shortcuts where a stage begins (docs/methods.md §4.1). Names are those of the common PyTorch CIFAR
 * version.
 *
 * @param baseWidth channels of the first stage: 64 is the published network (11,173,962 parameters for 10 classes).
 */
export function resnet18(baseWidth: number, classes: number): Network {
  const nodes: LayerNode[] = [{ op: "input", id: "input" }];
  const conv = (id: string, bn: string, input: string, out: number, kernel: number, stride: number, relu: boolean) => {
    const padding = (kernel - 1) / 2;
    const unit: ConvUnit = { op: "conv", id, bn, input, out, kernel, stride, padding, bias: false, relu };
    nodes.push(unit);
    return id;
  };

  let current = conv("conv1", "bn1", "input", baseWidth, 3, 1, true);
  let width = baseWidth;
  for (let stage = 1; stage <= 4; stage++) {
    const out = baseWidth << (stage - 1);
    for (let block = 0; block < 2; block++) {
      const name = `layer${stage}.${block}`;
      const stride = stage > 1 && block === 0 ? 2 : 1;
      const entry = current;
      const first = conv(`${name}.conv1`, `${name}.bn1`, entry, out, 3, stride, true);
      const second = conv(`${name}.conv2`, `${name}.bn2`, first, out, 3, 1, false);
      const projected = stride !== 1 || width !== out;
      const shortcut = projected
        ? conv(`${name}.shortcut.0`, `${name}.shortcut.1`, entry, out, 1, stride, false)
        : entry;
      nodes.push({ op: "add", id: name, inputs: [second, shortcut], relu: true });
      current = name;
      width = out;
    }
  }
  nodes.push({ op: "globalpool", id: "pool", input: current });
  nodes.push({ op: "linear", id: "linear", input: "pool", out: classes });
  return {
    arch: `resnet18${baseWidth === 64 ? "" : `w${baseWidth}`}`,
    input: { channels: 3, height: 32, width: 32 },
    classes,
    nodes,
  };
}
