#!/usr/bin/env python3
"""Makes four test collections in BEIR's layout from Debian packages, to check a fusion on what it was not chosen by.

    apt-get download debian-faq manpages-fr manpages-ru wordnet-base
    for deb in *.deb; do dpkg -x "$deb" unpacked; done
    python3 bench/quality/make_collections.py unpacked OUT

Each is a search for known items: one document answers a query, and the words of the query were taken out of it.

    faq-en      questions of the Debian FAQ, and the answers below them; English
    man-fr      what a manual page says in its line "NOM", and the page's description; French
    man-ru      the same in Russian
    wordnet-en  definitions, and the synonyms with example sentences that a definition stands for; English

The texts keep their packages' licences, so they are not part of this repository. Made with debian-faq 11.1,
manpages-l10n 4.18.1-1 and wordnet 3.0-37.
"""

import gzip
import json
import random
import re
import sys
from pathlib import Path

LONGEST = 1500
WORDNET_DOCUMENTS = 4000
WORDNET_QUERIES = 400


def write(out, name, rows):
    """Writes rows of (id, query or None, title, text)."""
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    asked = [row for row in rows if row[1] is not None]
    with open(folder / "corpus.jsonl", "w", encoding="utf-8") as corpus:
        for key, _, title, text in rows:
            corpus.write(json.dumps({"_id": key, "title": title, "text": text}, ensure_ascii=False) + "\n")
    with open(folder / "queries.jsonl", "w", encoding="utf-8") as queries:
        for key, query, _, _ in asked:
            queries.write(json.dumps({"_id": "q-" + key, "text": query}, ensure_ascii=False) + "\n")
    with open(folder / "qrels.tsv", "w", encoding="utf-8") as qrels:
        qrels.write("query-id\tcorpus-id\tscore\n")
        for key, _, _, _ in asked:
            qrels.write(f"q-{key}\t{key}\t1\n")
    print(f"{name}: {len(rows)} documents, {len(asked)} queries")


def faq(unpacked):
    text = gzip.open(unpacked / "usr/share/doc/debian/FAQ/debian-faq.en.txt.gz", "rt", encoding="utf-8").read()
    # Lines of the table of contents are indented. A space that does not break follows the number.
    parts = re.split(r"(?m)^(\d+\.\d+(?:\.\d+)?)\.\s", text)
    for number, part in zip(parts[1::2], parts[2::2]):
        # A heading may be broken into several lines; an empty line ends it.
        heading, _, answer = part.partition("\n\n")
        answer = " ".join(re.sub(r"(?m)^(Chapter .*|-{5,})$", "", answer).split())
        if len(answer) > 40:
            yield number, " ".join(heading.split()), "", answer[:LONGEST]


def plain(roff):
    """The text of a manual page without its markup."""
    roff = re.sub(r'(?m)^\.\\".*$', "", roff)
    roff = re.sub(r"(?m)^\.(B|I|BR|IR|BI|RB|RI|IB|SM|SS|TP|IP)\b[ \t]*", "", roff)
    roff = re.sub(r"(?m)^\..*$", "", roff)
    roff = re.sub(r"\\f[A-Z]|\\f\[\w*\]|\\[,/&|%]", "", roff)
    roff = roff.replace("\\-", "-").replace("\\ ", " ").replace("\\(aq", "'").replace("\\e", "\\")
    return " ".join(roff.replace('"', "").split())


def manual(unpacked, language, name, description):
    seen = set()
    for page in sorted((unpacked / "usr/share/man" / language).rglob("*.gz")):
        if page.is_symlink():
            continue
        roff = gzip.open(page, "rt", encoding="utf-8", errors="replace").read()
        sections = dict(re.findall(r'(?ms)^\.SH "?([^"\n]+)"?\n(.*?)(?=^\.SH |\Z)', roff))
        line = plain(sections.get(name, ""))
        text = plain(sections.get(description, ""))
        _, dash, summary = line.partition(" - ")
        if dash and len(text) > 100 and len(summary) > 10 and summary not in seen:
            seen.add(summary)
            yield page.name.removesuffix(".gz"), summary, "", text.replace(summary, "")[:LONGEST]


def wordnet(unpacked):
    rows = []
    for part in ("noun", "verb"):
        for line in open(unpacked / f"usr/share/wordnet/data.{part}", encoding="utf-8"):
            if line.startswith("  "):
                continue
            data, _, gloss = line.partition(" | ")
            fields = data.split()
            words = [fields[4 + 2 * i].replace("_", " ") for i in range(int(fields[3], 16))]
            definition, quote, examples = gloss.strip().partition('; "')
            if quote and len(definition) > 15:
                rows.append((part[0] + fields[0], definition, ", ".join(words), '"' + examples))
    random.Random(1).shuffle(rows)
    for i, (key, definition, title, examples) in enumerate(rows[:WORDNET_DOCUMENTS]):
        yield key, definition if i < WORDNET_QUERIES else None, title, examples


def main():
    unpacked, out = Path(sys.argv[1]), Path(sys.argv[2])
    write(out, "faq-en", list(faq(unpacked)))
    write(out, "man-fr", list(manual(unpacked, "fr", "NOM", "DESCRIPTION")))
    write(out, "man-ru", list(manual(unpacked, "ru", "ИМЯ", "ОПИСАНИЕ")))
    write(out, "wordnet-en", list(wordnet(unpacked)))


if __name__ == "__main__":
    main()
