"""Writes test/golden/distillation.json: distillation losses and their gradients for the student, by PyTorch.

    python test/golden/scripts/distillation.py > test/golden/distillation.json

float64 from float32 inputs. Attention is causal in one case and hides padding in the other. Made with torch 2.15.0.
"""
import json
import math

import torch
import torch.nn.functional as F

torch.manual_seed(0)
BATCH, HEADS, SEQUENCE, WIDTH, TEACHER_WIDTH = 2, 2, 4, 6, 8
hidden_s, hidden_t = torch.randn(BATCH, SEQUENCE, WIDTH), torch.randn(BATCH, SEQUENCE, TEACHER_WIDTH)
other_t = torch.randn(BATCH, SEQUENCE, WIDTH)
projection = torch.randn(WIDTH, TEACHER_WIDTH)
scores_s, scores_t = 2 * torch.randn(BATCH, HEADS, SEQUENCE, SEQUENCE), 2 * torch.randn(BATCH, HEADS, SEQUENCE, SEQUENCE)
causal = torch.tril(torch.ones(SEQUENCE, SEQUENCE, dtype=torch.bool))[None, None]
padding = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]], dtype=torch.bool)[:, None, None]
MASKED = -1e9


def attention_mse(student, teacher, visible):
    seen = visible.expand_as(student)
    return F.mse_loss(student[seen], teacher[seen])


def attention_kl(student, teacher, visible):
    p = torch.softmax(teacher.masked_fill(~visible, MASKED), -1)
    q = torch.log_softmax(student.masked_fill(~visible, MASKED), -1)
    return F.kl_div(q.flatten(0, 2), p.flatten(0, 2), reduction="batchmean")


def relation_kl(student, teacher):
    def relation(x):
        heads = x.view(BATCH, SEQUENCE, HEADS, -1).transpose(1, 2)
        return heads @ heads.transpose(-1, -2) / math.sqrt(heads.shape[-1])

    p, q = torch.softmax(relation(teacher), -1), torch.log_softmax(relation(student), -1)
    return F.kl_div(q.flatten(0, 2), p.flatten(0, 2), reduction="batchmean")


def cosine(student, teacher):
    flat = student.reshape(-1, WIDTH), teacher.reshape(-1, WIDTH)
    return F.cosine_embedding_loss(*flat, torch.ones(BATCH * SEQUENCE, dtype=torch.float64))


def case(loss, student, *rest):
    x = student.double().requires_grad_()
    value = loss(x, *[part.double() if part.is_floating_point() else part for part in rest])
    value.backward()
    return {"value": value.item(), "gradient": x.grad.flatten().tolist()}


flat = lambda x: x.flatten().tolist()
print(
    json.dumps(
        {
            "batch": BATCH,
            "heads": HEADS,
            "sequence": SEQUENCE,
            "width": WIDTH,
            "teacherWidth": TEACHER_WIDTH,
            "hiddenStudent": flat(hidden_s),
            "hiddenTeacher": flat(hidden_t),
            "hiddenOther": flat(other_t),
            "projection": flat(projection),
            "scoresStudent": flat(scores_s),
            "scoresTeacher": flat(scores_t),
            "cases": {
                "hidden": case(lambda s, t, w: F.mse_loss(s @ w, t), hidden_s, hidden_t, projection),
                "cosine": case(cosine, hidden_s, other_t),
                "relation": case(relation_kl, hidden_s, hidden_t),
                "attention": case(lambda s, t: F.mse_loss(s, t), scores_s, scores_t),
                "attention causal": case(attention_mse, scores_s, scores_t, causal),
                "attention padding": case(attention_mse, scores_s, scores_t, padding),
                "distribution causal": case(attention_kl, scores_s, scores_t, causal),
                "distribution padding": case(attention_kl, scores_s, scores_t, padding),
            },
        }
    )
)
