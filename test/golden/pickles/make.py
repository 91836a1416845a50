"""Makes the files of torch.save beside it: /opt/py/bin/python test/golden/pickles/make.py (torch 2)."""
import json, os, pathlib, pickle, zipfile
import torch

HERE = pathlib.Path(__file__).parent
torch.manual_seed(0)
tied = torch.randn(5, 3)
state = torch.nn.Linear(4, 3).state_dict()  # an OrderedDict with _metadata
state["half"] = torch.randn(2, 3).half()
state["brain"] = torch.randn(2, 3).bfloat16()
state["tied.a"] = tied
state["tied.b"] = tied
state["part"] = tied[1:3]
state["scalar"] = torch.tensor(0.25)
state["many." + "x" * 300] = torch.zeros(1)
torch.save(state, HERE / "state.bin")
values = {name: {"dims": list(t.shape), "values": t.float().flatten().tolist()} for name, t in state.items()}
(HERE / "state.json").write_text(json.dumps(values) + "\n")
torch.save({"turned": torch.randn(3, 4).t()}, HERE / "turned.bin")
torch.save({"nested": {"weight": tied}}, HERE / "nested.bin")


class Evil:
    def __reduce__(self):
        return os.system, ("echo harm",)


def archive(name, payload):
    with zipfile.ZipFile(HERE / name, "w", zipfile.ZIP_STORED) as file:
        file.writestr("archive/data.pkl", payload)


archive("evil.bin", pickle.dumps({"weight": Evil()}, protocol=2))
archive("evil-4.bin", pickle.dumps({"weight": Evil()}, protocol=4))

from safetensors.torch import load_file  # the golden OPT as its repository has it: a pickle and no safetensors

torch.save(load_file(HERE.parent / "transformers" / "opt" / "model.safetensors"), HERE / "opt.bin")
