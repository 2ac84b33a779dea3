"""Writes encoder.pt, the program that the backend djl runs: BERT's encoder without its weights.

    python make_encoder.py ../resources/io/luciole/djl/encoder.pt

The weights, the sizes, the architecture and the layout of the batch are arguments, so that one file of a few kilobytes
serves every model. Attention is torch.scaled_dot_product_attention, which does not materialise its S x S scores, or, for texts
that lie end to end on a GPU, PyTorch's flash attention over texts of any lengths.

Written with PyTorch 2.13; PyTorch 2.7.1, which DJL 0.35.1 brings, reads it (the file format's version is 10 in both,
and the script refuses to write another). Two runs of this script write the same bytes.
"""

import io
import sys
import zipfile
from typing import List, Optional

import torch
import torch.nn.functional as F
from torch import Tensor

FORMAT = b"10"


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
        starts: Tensor,
        longest: int,
        embedding: List[Tensor],
        layers: List[Tensor],
        head: List[Tensor],
        rotary: List[Tensor],
        sizes: List[int],
        epsilon: float,
        activation: str,
        pooling: str,
        wanted: List[int],
    ) -> List[Tensor]:
        """
        The batch, laid out as N rows, one a token: groups of texts of one length each, padded to it or not; or packed,
        the texts end to end.

        ids        [N]  int64, and positions [N], rows of the position table
        groups     [2G] texts and length of each group, N = sum of their products; empty if the batch is packed
        mask       [B, S] bool, true where a row is a token and not padding, for one padded group; or empty if no
                   group is padded
        order      [B]  which text of the layout is text i of the batch; empty if they are in order
        rows       [T]  which row is token t of the batch; empty if they are in order and nothing is padded
        starts     [B + 1] int32, the row where each text of a packed batch begins, and N; empty if it is not packed
        longest    the length of the longest text of a packed batch

        The weights, all on one device and of one floating type; those that the architecture lacks have no elements:

        embedding  word table [V, E], position table [P, E], type table [., E], norm's weight and bias [E], projection
                   [H, E] and [H], the last norm's weight and bias [H], bias of scores by distance [heads, 2F + 1]
        layers     18 a layer: query, key, value, output, their weights [H, H] before their biases [H], norm's weight
                   and bias [H], up [I, H] and [I], down [H, I] and [H], norm's weight and bias [H], gate [I, H], [I]
        head       sparse [1, H], [1], ColBERT [D, H], [D]; those of outputs that are not wanted may be empty
        rotary     fp32 tables of cosines and sines [P, H / heads / 2], two for each base
        sizes      heads; 1 if norms come first, or 0; and for each layer two numbers: which two tables of rotary, -1
                   for none, and how many tokens to each side a token sees, 0 for all
        pooling    cls, mean or last; none for all states
        wanted     dense, sparse, ColBERT: 1 or 0 each

        Returns fp32 tensors on the CPU for the outputs that are wanted, in that order: [B, H] or [T, H], [T], [T, D].
        """
        heads = sizes[0]
        first = sizes[1] == 1
        h = F.embedding(ids, embedding[0])
        if embedding[1].numel() > 0:
            h = h + F.embedding(positions, embedding[1])
        h = self.norm(h + embedding[2].select(0, 0), embedding[3], embedding[4], epsilon)
        if embedding[5].numel() > 0:
            h = F.linear(h, embedding[5], embedding[6])
        keys = mask
        if mask.numel() > 0:
            keys = mask.view(mask.size(0), 1, 1, mask.size(1))
        distances = embedding[9]
        if distances.numel() > 0:
            distances = self.bias(distances, groups)
        bounds: List[int] = []
        if starts.numel() > 0 and not starts.is_cuda:
            listed: List[int] = starts.long().tolist()
            bounds = listed
        for layer in range(len(layers) // 18):
            w = layers[layer * 18 : layer * 18 + 18]
            turn = rotary[:0]
            if sizes[2 + 2 * layer] >= 0:
                table = 2 * sizes[2 + 2 * layer]
                turn = [F.embedding(positions, rotary[table]), F.embedding(positions, rotary[table + 1])]
            window = sizes[3 + 2 * layer]
            if first:
                n = h
                if w[8].numel() > 0:
                    n = self.norm(h, w[8], w[9], epsilon)
                h = h + F.linear(self.attention(n, w, groups, keys, starts, bounds, longest, heads, turn, window, distances), w[6], w[7])
                inner = self.inner(self.norm(h, w[14], w[15], epsilon), w, activation)
                h = h + F.linear(inner, w[12], w[13])
            else:
                a = F.linear(self.attention(h, w, groups, keys, starts, bounds, longest, heads, turn, window, distances), w[6], w[7])
                h = self.norm(a.add_(h), w[8], w[9], epsilon)
                h = self.norm(F.linear(self.inner(h, w, activation), w[12], w[13]).add_(h), w[14], w[15], epsilon)
        if first:
            h = self.norm(h, embedding[7], embedding[8], epsilon)
        return self.outputs(h, groups, mask, order, rows, starts, head, pooling, wanted)

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
        none = torch.empty([0], dtype=torch.long)
        return self.outputs(h, groups, mask, none, rows, none, head, pooling, wanted)

    def outputs(
        self,
        h: Tensor,
        groups: List[int],
        mask: Tensor,
        order: Tensor,
        rows: Tensor,
        starts: Tensor,
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
            dense = self.pool(h, groups, mask, starts, pooling)
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

    def norm(self, x: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
        return F.layer_norm(x, [x.size(-1)], weight, bias, epsilon)

    def inner(self, x: Tensor, w: List[Tensor], activation: str) -> Tensor:
        y = self.activate(F.linear(x, w[10], w[11]), activation)
        if w[16].numel() > 0:
            y = y.mul_(F.linear(x, w[16], w[17]))
        return y

    def rotate(self, x: Tensor, heads: int, turn: List[Tensor]) -> Tensor:
        """Component pairs (i, i + d/2) of each head, by the angles of the tokens' places."""
        width = x.size(1) // heads
        y = x.view([x.size(0), heads, width]).float()
        low = y.narrow(2, 0, width // 2)
        high = y.narrow(2, width // 2, width // 2)
        cos = turn[0].unsqueeze(1)
        sin = turn[1].unsqueeze(1)
        return torch.cat([low * cos - high * sin, high * cos + low * sin], 2).to(x.dtype).view(x.size())

    def bias(self, table: Tensor, groups: List[int]) -> Tensor:
        """What scores get by distance, [1, heads, S, S] for the longest length S; a shorter text has a part of it."""
        longest = 0
        for g in range(len(groups) // 2):
            longest = max(longest, groups[2 * g + 1])
        places = torch.arange(longest, device=table.device)
        farthest = table.size(1) // 2
        distance = (places.unsqueeze(0) - places.unsqueeze(1)).clamp(-farthest, farthest) + farthest
        return table[:, distance].unsqueeze(0)

    def attention(
        self,
        h: Tensor,
        w: List[Tensor],
        groups: List[int],
        keys: Tensor,
        starts: Tensor,
        bounds: List[int],
        longest: int,
        heads: int,
        turn: List[Tensor],
        window: int,
        distances: Tensor,
    ) -> Tensor:
        width = h.size(1) // heads
        q = F.linear(h, w[0], w[1])
        k = F.linear(h, w[2], w[3])
        v = F.linear(h, w[4], w[5])
        if len(turn) > 0:
            q = self.rotate(q, heads, turn)
            k = self.rotate(k, heads, turn)
        if starts.numel() > 0:
            return self.packed(q, k, v, starts, bounds, longest, heads, window)
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
            if window > 0:
                a = self.windowed(qg, kg, vg, keys, window)
            elif distances.numel() > 0:
                scores = distances[:, :, :length, :length]
                if keys.numel() > 0:
                    scores = scores.masked_fill(keys.logical_not(), float("-inf"))
                a = F.scaled_dot_product_attention(qg, kg, vg, scores)
            elif keys.numel() > 0:
                a = F.scaled_dot_product_attention(qg, kg, vg, keys)
            else:
                a = F.scaled_dot_product_attention(qg, kg, vg)
            parts.append(a.transpose(1, 2).reshape([n, heads * width]))
            start += n
        if len(parts) == 1:
            return parts[0]
        return torch.cat(parts, 0)

    def packed(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        starts: Tensor,
        bounds: List[int],
        longest: int,
        heads: int,
        window: int,
    ) -> Tensor:
        """
        Attention within each text. The flash kernel is for GPUs and 16 bits; a CPU computes text by text, so that tests
        can compare this layout there.
        """
        shape = [q.size(0), heads, q.size(1) // heads]
        q = q.view(shape)
        k = k.view(shape)
        v = v.view(shape)
        if q.is_cuda:
            side: Optional[int] = None
            if window > 0:
                side = window
            a, _, _, _, _ = torch.ops.aten._flash_attention_forward(
                q, k, v, starts, starts, longest, longest, 0.0, False, False, window_size_left=side, window_size_right=side
            )
            return a.reshape([shape[0], shape[1] * shape[2]])
        parts: List[Tensor] = []
        for i in range(len(bounds) - 1):
            qt = q[bounds[i] : bounds[i + 1]].transpose(0, 1).unsqueeze(0)
            kt = k[bounds[i] : bounds[i + 1]].transpose(0, 1).unsqueeze(0)
            vt = v[bounds[i] : bounds[i + 1]].transpose(0, 1).unsqueeze(0)
            if window > 0:
                a = self.windowed(qt, kt, vt, torch.empty([0], dtype=torch.bool), window)
            else:
                a = F.scaled_dot_product_attention(qt, kt, vt)
            parts.append(a.squeeze(0).transpose(0, 1).reshape([bounds[i + 1] - bounds[i], shape[1] * shape[2]]))
        return torch.cat(parts, 0)

    def windowed(self, q: Tensor, k: Tensor, v: Tensor, keys: Tensor, window: int) -> Tensor:
        """
        Some queries after others, with the keys that they see: memory grows with the length and not its square. Padding
        sees all keys of its window, so that no row of scores is empty.
        """
        length = q.size(2)
        places = torch.arange(length, device=q.device)
        parts: List[Tensor] = []
        for first in range(0, length, 256):
            end = min(first + 256, length)
            low = max(first - window, 0)
            high = min(end + window, length)
            seen = (places[first:end].unsqueeze(1) - places[low:high].unsqueeze(0)).abs() <= window
            seen = seen.unsqueeze(0).unsqueeze(0)
            if keys.numel() > 0:
                padding = keys[:, :, :, first:end].logical_not().transpose(2, 3)
                seen = seen.logical_and(keys[:, :, :, low:high].logical_or(padding))
            parts.append(
                F.scaled_dot_product_attention(q[:, :, first:end], k[:, :, low:high], v[:, :, low:high], seen)
            )
        if len(parts) == 1:
            return parts[0]
        return torch.cat(parts, 2)

    def activate(self, x: Tensor, activation: str) -> Tensor:
        if activation == "gelu":
            return F.gelu(x)
        if activation == "gelu_tanh":
            return F.gelu(x, approximate="tanh")
        if activation == "relu":
            return torch.relu_(x)
        if activation == "silu":
            return F.silu(x, inplace=True)
        raise ValueError("activation")

    def pool(self, h: Tensor, groups: List[int], mask: Tensor, starts: Tensor, pooling: str) -> Tensor:
        if starts.numel() > 0:
            offsets = starts.long()
            if pooling == "cls":
                return h.index_select(0, offsets[:-1]).float()
            if pooling == "mean":
                return torch.segment_reduce(h.float(), "mean", offsets=offsets)
            return h.index_select(0, offsets[1:] - 1).float()
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
