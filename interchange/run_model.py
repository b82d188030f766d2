"""PyTorch's side of the tests: python run_model.py JOBS.json, a list of jobs in order.

    {"do": "fresh", "folder", "out", "seed"}          a state dict of fresh, random weights
    {"do": "eps", "folder", "weights", "inputs", "out"}  eps, eps without condition, and a picture

`folder` is one that `protodiff export` wrote; its own module is what is loaded. `weights` is "ema",
"raw" or a file.
"""

import importlib.util
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def module_of(folder):
    spec = importlib.util.spec_from_file_location("exported", Path(folder) / "protodiff_model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fresh(folder, out, seed):
    torch.manual_seed(seed)
    module = module_of(folder)
    model = module.ProtodiffModel(json.loads((Path(folder) / "config.json").read_text()))
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.ndim == 1 or "prototypes" in name:
                value.add_(0.2 * torch.rand_like(value))
    save_file(model.state_dict(), out)


@torch.no_grad()
def eps(folder, weights, inputs, out):
    module = module_of(folder)
    if weights in ("ema", "raw"):
        model = module.load(folder, weights)
    else:
        model = module.ProtodiffModel(json.loads((Path(folder) / "config.json").read_text()))
        model.load_state_dict(load_file(weights))
        model.eval()
    given = load_file(inputs)
    x_t, t = given["x_t"], given["t"].long()
    found = {"eps": model(x_t, t, given.get("shares"))}
    if "shares" in given:
        found["null"] = model(x_t, t, torch.zeros_like(given["shares"]))
    index = given["index"].long() if "index" in given else None
    found["picture"] = module.sample(
        model, prototype=index, x_T=given["x_t"], sampler="ddim", steps=5, eta=0, guidance=1
    )
    save_file({name: value.contiguous() for name, value in found.items()}, out)


if __name__ == "__main__":
    for job in json.loads(Path(sys.argv[1]).read_text()):
        {"fresh": fresh, "eps": eps}[job.pop("do")](**job)
