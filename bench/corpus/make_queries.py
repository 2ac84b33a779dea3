#!/usr/bin/env python3
"""Makes queries and a random order for a corpus of make_passages.py.

    python3 bench/corpus/make_queries.py OUT VOCABULARY [--queries 2000] [--within 100000] [--order-only]

Half of the queries are titles of pages, half questions that stand in passages, all of 5 to 40 tokens and of the first WITHIN passages, so
that they belong to any corpus that has those, in random order; what stands behind a "|" in a title names the site and is left out. Their weights are those of make_passages.py with a topic of 1, since each word of a query
is its topic. A question is part of the passage that it was taken from; of other passages, and of titles, that is not so.

Files as those of the passages: queries.bin, queries.txt, queries.page. random.order (int32) is a permutation of all passages, by the seed.
"""

import argparse
import re
from pathlib import Path

import numpy as np
from make_passages import SEED, Weights, make_tokenizer, read_vocabulary

QUESTION = re.compile(r"(?:(?<=[.!?。！？] )|^)([^.!?。！？]{12,300}[?？])")


def spread(found, count):
    """That many of a list, evenly from its beginning to its end."""
    return [found[i * len(found) // count] for i in range(min(count, len(found)))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--within", type=int, default=100_000)
    parser.add_argument("--order-only", action="store_true")
    arguments = parser.parse_args()
    out = arguments.out
    passages = int((out / "READY").read_text().split()[0])
    order = np.random.default_rng(SEED).permutation(passages).astype("<i4")
    (out / "random.order").write_bytes(order.tobytes())
    if arguments.order_only:
        return
    pieces = read_vocabulary(arguments.vocabulary)
    tokenizer, weights = make_tokenizer(pieces), Weights(pieces)
    page_of = np.fromfile(out / "passages.page", dtype="<i4", count=arguments.within)
    titles, questions, seen = [], [], set()

    def offer(where, page, text):
        ids = tokenizer.encode(text).ids
        if 5 <= len(ids) <= 40 and text not in seen:
            seen.add(text)
            where.append((page, text, np.array(ids)))

    with open(out / "titles.txt", encoding="utf-8") as lines:
        for page, line in zip(range(int(page_of[-1]) + 1), lines):
            offer(titles, page, re.sub(r"\s*\|.*", "", line.rstrip("\n")))
    with open(out / "passages.txt", encoding="utf-8") as lines:
        for page, line in zip(page_of, lines):
            for question in QUESTION.findall(line.rstrip("\n"))[:1]:
                offer(questions, int(page), question.strip())
    half = arguments.queries // 2
    chosen = [q for pair in zip(spread(titles, half), spread(questions, half)) for q in pair]
    np.random.default_rng(SEED).shuffle(chosen)
    tokens = 0
    with (
        open(out / "queries.bin", "wb") as binary,
        open(out / "queries.txt", "w", encoding="utf-8", newline="\n") as texts,
        open(out / "queries.page", "wb") as pages,
    ):
        for number, (page, text, ids) in enumerate(chosen):
            kept, of = weights.of(ids, np.ones(len(ids)), 1_000_000_000 + number)
            binary.write(np.int32(len(kept)).tobytes() + kept.tobytes() + of.tobytes())
            pages.write(np.int32(page).astype("<i4").tobytes())
            texts.write(text + "\n")
            tokens += len(kept)
    print(f"{len(titles)} titles and {len(questions)} questions; {len(chosen)} queries of {tokens / len(chosen):.1f} distinct tokens")


if __name__ == "__main__":
    main()
