"""Writes expected.jsonl beside this file: the first tokens of runs of one character by mini-m3's tokenizer.

Each line has the character, the length of the run, what follows it, and the tokens that a limit of 1,024 keeps, the last
special token apart, as [id, count] for equal ones in a row. pip install tokenizers
"""

import itertools
import json
from pathlib import Path

from tokenizers import Tokenizer

here = Path(__file__).parent
tokenizer = Tokenizer.from_file(str(here.parents[2] / "main/resources/mini-m3/tokenizer.json"))
tokenizer.no_truncation()
tokenizer.no_padding()

with open(here / "expected.jsonl", "w", encoding="utf-8") as out:
    for character, length, tail in [
        (".", 18432, ""),
        (".", 18434, ""),
        ("0", 18434, ""),
        ("8", 18433, ""),
        ("1", 30001, ""),
        ("—", 18433, ""),
        ("😀", 9217, ""),
        (".", 18434, "5 fireflies" * 3000),
        ("0", 25000, "." * 20001),
    ]:
        ids = tokenizer.encode(character * length + tail).ids[:1023]
        runs = [[k, len(list(g))] for k, g in itertools.groupby(ids)]
        line = {"character": character, "length": length, "tail": tail[:1], "times": len(tail), "runs": runs}
        if len(set(tail)) > 1:
            line["tail"] = "5 fireflies"
            line["times"] = 3000
        out.write(json.dumps(line, ensure_ascii=False) + "\n")
