"""Writes a folder of Hugging Face's form from a plain PyTorch module, and logits of it: python3 hugging_face.py REQUEST FOLDER OUT"""

import json
import os
import struct
import sys

import numpy as np
import torch

from gpt2 import Gpt2
from llama import Llama
from tensors import write_tensors


def save_bf16(path, tensors):
    """A safetensors file in bfloat16, the upper half of each float."""
    header, parts, offset = {}, [], 0
    for name, tensor in tensors.items():
        words = tensor.contiguous().view(torch.int16).numpy().tobytes()
        header[name] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(words)]}
        parts.append(words)
        offset += len(words)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def main(request, folder, out):
    torch.manual_seed(request["seed"])
    shape = request["shape"]
    model = {"llama": Llama, "gpt2": Gpt2}[request["layout"]](shape)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 0 if parameter.dim() > 1 else 1, 0.2)
        # Values that bfloat16 has, so that both sides compute with the same.
        parameter.data = parameter.data.bfloat16().float()
    state = {name: tensor.detach().bfloat16() for name, tensor in model.state_dict().items()}
    names, count = list(state), request["shards"]
    if count == 1:
        save_bf16(os.path.join(folder, "model.safetensors"), state)
    else:
        files = [f"model-{i + 1:05d}-of-{count:05d}.safetensors" for i in range(count)]
        for i, file in enumerate(files):
            save_bf16(os.path.join(folder, file), {name: state[name] for name in names[i::count]})
        index = {"metadata": {}, "weight_map": {name: files[j % count] for j, name in enumerate(names)}}
        with open(os.path.join(folder, "model.safetensors.index.json"), "w") as file:
            json.dump(index, file)
    ids = torch.from_numpy(np.array(request["ids"]))
    with torch.no_grad():
        logits = model.double().all_logits(ids)
    write_tensors(out, {"logits": logits.numpy()})


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3])
