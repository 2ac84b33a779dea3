"""XQuAD's questions and paragraphs of one language as a collection in BEIR's layout.

python3 bench/xquad.py xquad.th.json data/xquad-th

The files are those of https://github.com/google-deepmind/xquad (CC BY-SA 4.0). A question's answer
is the paragraph that it was asked of.
"""

import json
import pathlib
import sys

source, target = sys.argv[1], pathlib.Path(sys.argv[2])
target.mkdir(parents=True, exist_ok=True)
articles = json.loads(pathlib.Path(source).read_text(encoding="utf-8"))["data"]
paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]


def write(name, lines):
    (target / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def record(key, text):
    return json.dumps({"_id": key, "text": text}, ensure_ascii=False)


questions = [(q, i) for i, paragraph in enumerate(paragraphs) for q in paragraph["qas"]]
write("corpus.jsonl", [record(f"p{i}", p["context"]) for i, p in enumerate(paragraphs)])
write("queries.jsonl", [record(q["id"], q["question"]) for q, _ in questions])
write("qrels.tsv", ["query-id\tcorpus-id\tscore", *[f"{q['id']}\tp{i}\t1" for q, i in questions]])
