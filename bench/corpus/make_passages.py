#!/usr/bin/env python3
"""Makes a corpus of passages with token weights from Git repositories of documentation and books.

    python3 bench/corpus/make_passages.py OUT VOCABULARY REPOSITORY… [--limit PASSAGES]

VOCABULARY is the file pos.dict.utf8.zip of microsoft/BlingFire (ldbsrc/xlm_roberta_base): the pieces of XLM-RoBERTa with their ids
and log-probabilities. With them, tokenizers' Unigram gives the ids of BGE-M3. REPOSITORY is a Git directory (no work tree is needed);
its Markdown, text and TEI files are read. docs/experiments/sparse-search.md says which repositories were used.

A passage is whole sentences of one page up to about 620 characters, or 260 where more than a third are CJK; passages that were seen
before are left out. Pages keep the order of their repository. Slices of about SLICE passages of the repositories alternate, so that any
prefix of the corpus has all their languages.

No model makes the weights. A weight is made up from what the published examples of BGE-M3 show: function words 0.05 to 0.08,
punctuation 0.04, later pieces of a word lower than its first, rare words and numbers 0.25 to 0.33. The steps:

1. rarity r of a piece: its log-probability in XLM-RoBERTa's vocabulary, scaled so that the most frequent words have 0 and rare ones 1;
2. base = 0.05 + 0.20·r^1.5, and for digits 0.22; punctuation 0.03; a piece inside a word 0.75 of that;
3. the weight of an occurrence = base · topic · noise. Topic is 1.3 if the piece is in the page's title, else 0.6 + 0.4·(share of the
   passage's pieces that are no rarer), so that a long passage weighs few of its words fully. Noise is log-normal with
   sigma 0.35, seeded by the passage's number;
4. weights below 0.01 are dropped, as those are that M3's ReLU sets to 0; none is above 0.40. A token's weight is the maximum over
   its occurrences.

Limits: the weights know neither meaning nor context. True ones agree more between a query and its passage, and rarity is that of the
vocabulary's training texts, so that frequent words of these repositories ("SQL") have high weights in many passages, which is harder
for pruning than a model that learnt to discount them.

Files, all numbers little-endian: passages.bin (int32 n, n × int32 id ascending, n × float32 weight, a passage after the other),
passages.off (int64 offsets into it, one more than passages), passages.page (int32 page of each), passages.txt (a line each), titles.txt
(a line a page). READY has the number of passages that are whole. make_queries.py makes the queries and the random order.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from itertools import zip_longest
from multiprocessing import get_context
from pathlib import Path

# The processes share the work; each tokenises with one thread.
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

SEED = 22
SLICE = 5000
LONGEST = 620
LONGEST_CJK = 260
SHORTEST = 40
LARGEST_FILE = 2_000_000
SMALLEST_WEIGHT = 0.01
LARGEST_WEIGHT = 0.40
CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def read_vocabulary(path):
    """The pieces by id, with their log-probabilities, as XLM-RoBERTa numbers them."""
    with zipfile.ZipFile(path) as archive:
        lines = archive.read(archive.namelist()[0]).decode("utf-8").split("\n")
    pieces = [("<s>", 0.0)] + [None] * 250_001
    for line in lines:
        if line:
            piece, word, score = line.rsplit("\t", 2)
            pieces[int(word[len("WORD_ID_"):])] = (piece, float(score))
    assert all(pieces), "an id without a piece"
    return pieces


def make_tokenizer(pieces):
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("\n", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace()
    expected = [4865, 83, 335, 11679, 276, 363, 32]
    found = tokenizer.encode("What is BGE M3?").ids
    assert found == expected, f"expected BGE-M3's ids {expected}, found {found}"
    return tokenizer


class Weights:
    """The model of weights in the head comment: weights of the tokens of a text."""

    def __init__(self, pieces):
        score = np.array([s for _, s in pieces])
        # "▁de" has -5.3; pieces below -14 are names and rare words.
        rarity = np.clip((-score - 6.5) / 7.5, 0, 1)
        base = 0.05 + 0.20 * rarity**1.5
        for i, (piece, _) in enumerate(pieces):
            bare = piece.replace("▁", "")
            if bare and all(c.isdigit() for c in bare):
                base[i] = 0.22
            elif not any(c.isalnum() for c in bare):
                base[i] = 0.03
            elif not piece.startswith("▁") and not CJK.search(piece):
                base[i] *= 0.75
        base[:4] = 0
        self.base = base
        self.rarity = rarity

    def topic(self, ids, titled):
        """How much each token of a passage is what it is about; the third step of the head comment."""
        rarity = self.rarity[ids]
        rank = np.searchsorted(np.sort(rarity), rarity, side="right") / len(ids)
        return np.where(titled, 1.3, 0.6 + 0.4 * rank)

    def of(self, ids, topic, seed):
        """Ascending distinct ids and their weights."""
        noise = np.exp(np.random.default_rng((SEED, seed)).normal(0, 0.35, len(ids)))
        weights = np.minimum(self.base[ids] * topic * noise, LARGEST_WEIGHT)
        order = np.lexsort((-weights, ids))
        ids, weights = ids[order], weights[order]
        first = np.ones(len(ids), bool)
        first[1:] = ids[1:] != ids[:-1]
        kept = first & (weights >= SMALLEST_WEIGHT)
        return ids[kept].astype("<i4"), weights[kept].astype("<f4")


def strip_markdown(text):
    """Title and prose of a page of documentation."""
    title = ""
    front = re.match(r"\ufeff?---\r?\n(.*?)\r?\n---\r?\n", text, re.S)
    if front:
        named = re.search(r"(?m)^title:\s*(.+?)\s*$", front[1])
        title = named[1].strip("\"'") if named else ""
        text = text[front.end():]
    text = re.sub(r"(?s)<!--.*?-->", " ", text)
    text = re.sub(r"(?ms)^\s*(```|~~~).*?^\s*\1\s*$", "\n\n", text)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", " ", text)
    text = re.sub(r"\[!(?:INCLUDE|include)[^\]]*\]\([^)]*\)", " ", text)
    text = re.sub(r"\[!?([^\[\]]*)\]\([^()]*\)", r"\1", text)
    text = re.sub(r"<[^<>]{1,200}>", " ", text)
    text = re.sub(r"(?m)^\s*[-|: ]{5,}$", "", text)
    text = re.sub(r"(?m)^\s*(?:[#>*+-]+|\d+\.)\s+", "\n\n", text)
    text = re.sub(r"[*`|_]{1,3}(?=\S)|(?<=\S)[*`|_]{1,3}", "", text)
    text = re.sub(r"https?://\S+", " ", text)
    return title, text


def strip_tei(text):
    named = re.search(r"(?s)<title[^>]*>(.*?)</title>", text)
    body = text[text.find("<text"):]
    body = re.sub(r"</(p|head|l|div)>", "\n\n", body)
    body = re.sub(r"<[^<>]*>", " ", body)
    body = body.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&apos;", "'").replace("&quot;", '"')
    return " ".join(re.sub("<[^<>]*>", " ", named[1]).split()) if named else "", body


def strip_text(text):
    """A book: Aozora's notes and ruby, and Gutenberg's licence, are left out."""
    text = re.sub(r"《[^》]*》|［＃[^］]*］|｜", "", text)
    start = re.search(r"(?m)^\*\*\* ?START OF.*$", text)
    end = re.search(r"(?m)^\*\*\* ?END OF", text)
    title = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return title[:120], text[start.end() if start else 0 : end.start() if end else len(text)]


def cut(text):
    """Passages of whole sentences."""
    passages, gathered, length = [], [], 0
    sentences = []
    for paragraph in re.split(r"\n\s*\n", text):
        paragraph = " ".join(paragraph.split())
        if paragraph:
            sentences += [s.strip() for s in re.split(r"(?<=[.!?])\s+|(?<=[。！？])", paragraph) if s.strip()]
    longest = LONGEST_CJK if len(CJK.findall(text[:4000])) > 0.33 * len(text[:4000].replace(" ", "")) else LONGEST
    for sentence in sentences:
        for part in [sentence[i : i + longest] for i in range(0, len(sentence), longest)]:
            if gathered and length + len(part) > longest:
                passages.append(" ".join(gathered))
                gathered, length = [], 0
            gathered.append(part)
            length += len(part) + 1
    if gathered:
        passages.append(" ".join(gathered))
    return [p for p in passages if len(p) >= SHORTEST and sum(c.isalpha() for c in p) > 0.5 * len(p.replace(" ", ""))]


def pages(repository):
    """(title, passages) of the files of a Git directory, in their order."""
    git = ["git", "-c", "safe.directory=*", "-C", str(repository)]
    listed = subprocess.run(git + ["ls-tree", "-r", "-l", "-z", "HEAD"], capture_output=True, check=True).stdout.decode("utf-8", "replace")
    wanted = []
    for row in listed.split("\0"):
        if row:
            meta, name = row.split("\t", 1)
            _, kind, digest, size = meta.split()
            low = name.lower()
            if kind != "blob" or not size.isdigit() or int(size) > LARGEST_FILE:
                continue
            if low.endswith(".md") or low.endswith(".txt") or (low.endswith(".xml") and "/level1/" in "/" + low):
                wanted.append((name, digest))
    with subprocess.Popen(git + ["cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as batch:
        for name, digest in wanted:
            batch.stdin.write(digest.encode() + b"\n")
            batch.stdin.flush()
            head = batch.stdout.readline().split()
            if head[-1] == b"missing":
                continue
            raw = batch.stdout.read(int(head[2]) + 1)[:-1]
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError:
                text = raw.decode("cp932", "ignore") if "aozora" in str(repository) else raw.decode("latin-1")
            low = name.lower()
            strip = strip_markdown if low.endswith(".md") else strip_tei if low.endswith(".xml") else strip_text
            title, prose = strip(text)
            title = " ".join(title.split()) or Path(name).stem.replace("-", " ")
            yield title, cut(prose)
        batch.stdin.close()


def slices(repositories):
    """Slices of the repositories' pages, alternating."""

    def slice_of(source):
        part, passages = [], 0
        for page in source:
            part.append(page)
            passages += len(page[1])
            if passages >= SLICE:
                yield part
                part, passages = [], 0
        if part:
            yield part

    for turn in zip_longest(*[slice_of(pages(r)) for r in repositories]):
        yield from (part for part in turn if part)


STATE = {}


def open_worker(vocabulary):
    pieces = read_vocabulary(vocabulary)
    STATE["tokenizer"] = make_tokenizer(pieces)
    STATE["weights"] = Weights(pieces)


def encode(job):
    """(page, first number, title, passages) to (page, records, texts), in one process."""
    out = []
    weights = STATE["weights"]
    for page, first, title, passages in job:
        titles = STATE["tokenizer"].encode(title).ids
        encoded = STATE["tokenizer"].encode_batch_fast(passages)
        records, texts = [], []
        for i, (text, encoding) in enumerate(zip(passages, encoded)):
            ids = np.array(encoding.ids, dtype=np.int64)
            if len(ids) == 0:
                continue
            kept, of = weights.of(ids, weights.topic(ids, np.isin(ids, titles)), first + i)
            if len(kept):
                records.append(np.int32(len(kept)).tobytes() + kept.tobytes() + of.tobytes())
                texts.append(text)
        out.append((page, title, records, texts))
    return out


def jobs(repositories, limit):
    seen, number, page = set(), 0, 0
    for part in slices(repositories):
        job = []
        for title, passages in part:
            fresh = []
            for passage in passages:
                digest = hashlib.blake2b(passage.encode("utf-8"), digest_size=8).digest()
                if digest not in seen:
                    seen.add(digest)
                    fresh.append(passage)
            if fresh:
                job.append((page, number, title, fresh))
                number += len(fresh)
                page += 1
        if job:
            yield job
        if number >= limit:
            return


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("repositories", type=Path, nargs="+")
    parser.add_argument("--limit", type=int, default=5_000_000)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    start, told, count, offset, tokens = time.time(), 0, 0, 0, 0
    with (
        ProcessPoolExecutor(arguments.processes, get_context("spawn"), initializer=open_worker, initargs=(arguments.vocabulary,)) as pool,
        open(out / "passages.bin", "wb") as binary,
        open(out / "passages.off", "wb") as offsets,
        open(out / "passages.page", "wb") as pages_file,
        open(out / "passages.txt", "w", encoding="utf-8", newline="\n") as texts_file,
        open(out / "titles.txt", "w", encoding="utf-8", newline="\n") as titles_file,
    ):
        offsets.write(np.int64(0).astype("<i8").tobytes())
        waiting = []

        def write(result):
            nonlocal count, offset, tokens
            for page, title, records, texts in result:
                titles_file.write(title + "\n")
                for record, text in zip(records, texts):
                    binary.write(record)
                    offset += len(record)
                    tokens += (len(record) - 4) // 8
                    offsets.write(np.int64(offset).astype("<i8").tobytes())
                    pages_file.write(np.int32(page).astype("<i4").tobytes())
                    texts_file.write(text.replace("\u2028", " ").replace("\u2029", " ").replace("\x85", " ") + "\n")
                    count += 1

        def tell():
            for file in (binary, offsets, pages_file, texts_file, titles_file):
                file.flush()
            (out / "READY").write_text(f"{count} passages {time.strftime('%H:%M')}\n")
            print(f"{count} passages, {tokens / max(1, count):.1f} distinct tokens each, {time.time() - start:.0f} s", file=sys.stderr, flush=True)

        for job in jobs(arguments.repositories, arguments.limit):
            waiting.append(pool.submit(encode, job))
            if len(waiting) > 2 * arguments.processes:
                write(waiting.pop(0).result())
            if count - told >= 50_000:
                told = count
                tell()
        for future in waiting:
            write(future.result())
        tell()


if __name__ == "__main__":
    main()
