"""Exports small transformers as torch does, optimizes and quantizes them as onnxruntime does.

    python onnx-exported.py <directory>      with torch 2.15, onnxscript 0.7.2, onnxruntime 1.32

test/golden/onnx/exported has those of them that differ most: decomposed by torch.export with external data, traced and fused,
traced and dynamically quantized, an encoder with a padding mask fused.
"""
import glob, os, sys
import onnxruntime
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnxruntime.quantization import quantize_dynamic

OUT = sys.argv[1]

class Enc(nn.Module):
    def __init__(s):
        super().__init__(); s.e=nn.Embedding(50,32); s.p=nn.Embedding(64,32); s.l=nn.TransformerEncoder(nn.TransformerEncoderLayer(32,4,64,batch_first=True,activation='gelu'),2,enable_nested_tensor=False); s.h=nn.Linear(32,3)
    def forward(s,ids,mask):
        pos=torch.arange(ids.shape[1]).unsqueeze(0)
        x=s.e(ids)+s.p(pos); x=s.l(x,src_key_padding_mask=mask==0); return s.h(x[:,0])
class Dec(nn.Module):
    def __init__(s):
        super().__init__(); s.e=nn.Embedding(50,32); s.q=nn.Linear(32,32); s.kv=nn.Linear(32,32); s.o=nn.Linear(32,32); s.g=nn.Linear(32,64,bias=False); s.u=nn.Linear(32,64,bias=False); s.d=nn.Linear(64,32,bias=False)
    def rms(s,x): return x*torch.rsqrt(x.pow(2).mean(-1,keepdim=True)+1e-5)
    def rope(s,x):
        b,h,t,d=x.shape; f=1/(10000**(torch.arange(0,d,2).float()/d)); a=torch.outer(torch.arange(t).float(),f); c=torch.cat([a,a],-1); x1,x2=x.chunk(2,-1); return x*c.cos()+torch.cat([-x2,x1],-1)*c.sin()
    def forward(s,ids):
        x=s.e(ids); b,t,_=x.shape; n=s.rms(x)
        q=s.q(n).view(b,t,4,8).transpose(1,2); k,v=s.kv(n).view(b,t,2,2,8).permute(2,0,3,1,4).unbind(0)
        q,k=s.rope(q),s.rope(k); k=k[:,:,None].expand(b,2,2,t,8).reshape(b,4,t,8); v=v[:,:,None].expand(b,2,2,t,8).reshape(b,4,t,8)
        y=F.scaled_dot_product_attention(q,k,v,is_causal=True).transpose(1,2).reshape(b,t,32)
        x=x+s.o(y); n=s.rms(x); x=x+s.d(F.silu(s.g(n))*s.u(n)); return x@s.e.weight.T

os.makedirs(OUT, exist_ok=True)
ids = torch.randint(0, 50, (2, 5))
mask = torch.ones(2, 5, dtype=torch.int64)
for name, model, args, names in [("encoder", Enc(), (ids, mask), ["ids", "mask"]), ("decoder", Dec(), (ids,), ["ids"])]:
    model.eval()
    for dynamo, opset in ((False, 17), (True, 21)):
        free = (dict(dynamic_shapes=tuple({0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO} for _ in args)) if dynamo
                else dict(dynamic_axes={n: {0: "batch", 1: "sequence"} for n in names}))
        path = f'{OUT}/{name}-{"dynamo" if dynamo else "script"}-{opset}.onnx'
        torch.onnx.export(model, args, path, input_names=names, output_names=["y"], opset_version=opset, dynamo=dynamo, **free)
for path in glob.glob(f"{OUT}/*.onnx"):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = path.replace(".onnx", "-opt.onnx")
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    quantize_dynamic(path, path.replace(".onnx", "-int8.onnx"))
