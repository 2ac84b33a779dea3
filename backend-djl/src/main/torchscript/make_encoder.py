"""Writes encoder.pt, the program that the backend djl runs: BERT's encoder without its weights.

    python make_encoder.py ../resources/io/luciole/djl/encoder.pt

The weights, the sizes and the layout of the batch are arguments, so that one file of a few kilobytes serves
every model. Attention is torch.scaled_dot_product_attention, which does not materialise its S x S scores.

Written with PyTorch 2.13; PyTorch 2.7.1, which DJL 0.35.1 brings, reads it (the file format's version is 10 in both,
and the script refuses to write another). Two runs of this script write the same bytes.
"""

import io
import sys
import zipfile
from typing import List

import torch
import torch.nn.functional as F
from torch import Tensor

FORMAT = b"10"
TENSORS_PER_LAYER = 16


class Encoder(torch.nn.Module):
    """See forward."""

    def forward(
        self,
        ids: Tensor,
        positions: Tensor,
        groups: List[int],
        mask: Tensor,
        order: Tensor,
        rows: Tensor,
        embedding: List[Tensor],
        layers: List[Tensor],
        head: List[Tensor],
        sizes: List[int],
        epsilon: float,
        activation: str,
        pooling: str,
        wanted: List[int],
    ) -> List[Tensor]:
        """
        The batch, laid out as N rows, one a token: groups of texts of one length each, padded to it or not.

        ids        [N]  int64, and positions [N], rows of the position table
        groups     [2G] texts and length of each group, N = sum of their products
        mask       [B, S] bool, true where a row is a token and not padding, for one padded group; or empty if no
                   group is padded
        order      [B]  which text of the layout is text i of the batch; empty if they are in order
        rows       [T]  which row is token t of the batch; empty if they are in order and nothing is padded

        The weights, all on one device and of one floating type:

        embedding  word table [V, H], position table [P, H], type table [., H], norm's weight and bias [H]
        layers     16 a layer: query, key, value, output, their weights [H, H] before their biases [H], norm's weight
                   and bias [H], up [I, H] and [I], down [H, I] and [H], norm's weight and bias [H]
        head       sparse [1, H], [1], ColBERT [D, H], [D]; those of outputs that are not wanted may be empty
        sizes      heads
        pooling    cls, mean or last; none for all states
        wanted     dense, sparse, ColBERT: 1 or 0 each

        Returns fp32 tensors on the CPU for the outputs that are wanted, in that order: [B, H] or [T, H], [T], [T, D].
        """
        heads = sizes[0]
        hidden = embedding[0].size(1)
        norm = [hidden]
        h = F.embedding(ids, embedding[0]) + F.embedding(positions, embedding[1]) + embedding[2].select(0, 0)
        h = F.layer_norm(h, norm, embedding[3], embedding[4], epsilon)
        keys = mask
        if mask.numel() > 0:
            keys = mask.view(mask.size(0), 1, 1, mask.size(1))
        for layer in range(len(layers) // 16):
            w = layers[layer * 16 : layer * 16 + 16]
            h = F.layer_norm(
                F.linear(self.attention(h, w, groups, keys, heads), w[6], w[7]).add_(h), norm, w[8], w[9], epsilon
            )
            h = F.layer_norm(
                F.linear(self.activate(F.linear(h, w[10], w[11]), activation), w[12], w[13]).add_(h),
                norm,
                w[14],
                w[15],
                epsilon,
            )
        return self.outputs(h, groups, mask, order, rows, head, pooling, wanted)

    @torch.jit.export
    def finish(
        self,
        states: Tensor,
        groups: List[int],
        mask: Tensor,
        rows: Tensor,
        head: List[Tensor],
        pooling: str,
        wanted: List[int],
    ) -> List[Tensor]:
        """The end of forward, for states [B, S, H] of one group that another program has computed."""
        h = states.float().reshape([-1, states.size(2)])
        return self.outputs(h, groups, mask, torch.empty([0], dtype=torch.long), rows, head, pooling, wanted)

    def outputs(
        self,
        h: Tensor,
        groups: List[int],
        mask: Tensor,
        order: Tensor,
        rows: Tensor,
        head: List[Tensor],
        pooling: str,
        wanted: List[int],
    ) -> List[Tensor]:
        found: List[Tensor] = []
        if wanted[0] == 1 and pooling == "none":
            states = h
            if rows.numel() > 0:
                states = h.index_select(0, rows)
            found.append(states.float().cpu().contiguous())
        elif wanted[0] == 1:
            dense = self.pool(h, groups, mask, pooling)
            if order.numel() > 0:
                dense = dense.index_select(0, order)
            found.append(dense.cpu().contiguous())
        if wanted[1] == 1:
            weights = torch.relu(F.linear(h, head[0], head[1])).view(-1)
            if rows.numel() > 0:
                weights = weights.index_select(0, rows)
            found.append(weights.float().cpu().contiguous())
        if wanted[2] == 1:
            if rows.numel() > 0:
                h = h.index_select(0, rows)
            found.append(F.linear(h, head[2], head[3]).float().cpu().contiguous())
        return found

    @torch.jit.export
    def brain(self, weight: Tensor) -> Tensor:
        """A weight as brain floats, where it is: DJL has no word for them."""
        return weight.to(torch.bfloat16)

    def attention(self, h: Tensor, w: List[Tensor], groups: List[int], keys: Tensor, heads: int) -> Tensor:
        width = h.size(1) // heads
        q = F.linear(h, w[0], w[1])
        k = F.linear(h, w[2], w[3])
        v = F.linear(h, w[4], w[5])
        parts: List[Tensor] = []
        start = 0
        for g in range(len(groups) // 2):
            texts = groups[2 * g]
            length = groups[2 * g + 1]
            n = texts * length
            shape = [texts, length, heads, width]
            qg = q.narrow(0, start, n).view(shape).transpose(1, 2)
            kg = k.narrow(0, start, n).view(shape).transpose(1, 2)
            vg = v.narrow(0, start, n).view(shape).transpose(1, 2)
            if keys.numel() > 0:
                a = F.scaled_dot_product_attention(qg, kg, vg, keys)
            else:
                a = F.scaled_dot_product_attention(qg, kg, vg)
            parts.append(a.transpose(1, 2).reshape([n, heads * width]))
            start += n
        if len(parts) == 1:
            return parts[0]
        return torch.cat(parts, 0)

    def activate(self, x: Tensor, activation: str) -> Tensor:
        if activation == "gelu":
            return F.gelu(x)
        if activation == "gelu_tanh":
            return F.gelu(x, approximate="tanh")
        if activation == "relu":
            return torch.relu_(x)
        raise ValueError("activation")

    def pool(self, h: Tensor, groups: List[int], mask: Tensor, pooling: str) -> Tensor:
        parts: List[Tensor] = []
        start = 0
        for g in range(len(groups) // 2):
            texts = groups[2 * g]
            length = groups[2 * g + 1]
            x = h.narrow(0, start, texts * length).view([texts, length, h.size(1)])
            start += texts * length
            if pooling == "cls":
                parts.append(x.select(1, 0).float())
            elif mask.numel() > 0:
                lengths = mask.sum(1, keepdim=True)
                if pooling == "mean":
                    sums = (x * mask.unsqueeze(2)).sum(1, dtype=torch.float)
                    parts.append(sums / lengths)
                else:
                    last = (lengths - 1).unsqueeze(2).expand([texts, 1, h.size(1)])
                    parts.append(x.gather(1, last).select(1, 0).float())
            elif pooling == "mean":
                parts.append(x.sum(1, dtype=torch.float) / length)
            else:
                parts.append(x.select(1, length - 1).float())
        return torch.cat(parts, 0)


def program() -> bytes:
    written = io.BytesIO()
    torch.jit.save(torch.jit.script(Encoder().eval()), written)
    result = io.BytesIO()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("/.data/version") and content.strip() != FORMAT:
                sys.exit(f"expected file format {FORMAT!r}, got {content!r}: PyTorch 2.7.1 may not read it")
            if name.endswith((".debug_pkl", "/.data/serialization_id")):
                continue  # machine paths and a random number
            target.writestr(zipfile.ZipInfo("encoder/" + name.split("/", 1)[1]), content)
    return result.getvalue()


if __name__ == "__main__":
    content = program()
    with open(sys.argv[1], "wb") as file:
        file.write(content)
