"""Python's clients, unmodified and with their defaults, against a server: clients.py ROOT_URL EXPECTED.json

EXPECTED has two texts, and the library's vectors of them as passages. A client that is not installed is skipped and said so.
"""

import importlib.util
import json
import math
import sys

root, file = sys.argv[1:3]
base = root.rstrip("/")
with open(file, encoding="utf-8") as expected:
    data = json.load(expected)
texts, passages = data["texts"], data["passages"]


def alike(found, expected):
    assert len(found) == len(expected), f"{len(found)} vectors"
    for a, b in zip(found, expected):
        assert len(a) == len(b), f"{len(a)} components"
        cosine = sum(x * y for x, y in zip(a, b)) / math.hypot(*a) / math.hypot(*b)
        assert cosine > 0.9999, f"the cosine with the library's vector is {cosine}"


def openai():
    from openai import NotFoundError, OpenAI

    client = OpenAI(base_url=f"{base}/v1", api_key="none")
    answer = client.embeddings.create(model="starter", input=texts)
    alike([each.embedding for each in answer.data], passages)
    assert [model.id for model in client.models.list()] == ["starter"]
    try:
        client.embeddings.create(model="another", input=texts)
        raise AssertionError("an unknown model was taken")
    except NotFoundError as e:
        assert "starter" in str(e), e


def langchain_openai():
    from langchain_openai import OpenAIEmbeddings

    embeddings = OpenAIEmbeddings(
        model="starter", base_url=f"{base}/v1", api_key="none", check_embedding_ctx_length=False
    )
    alike(embeddings.embed_documents(texts), passages)


def langchain_openai_with_token_ids():
    """By default it sends ids. Its tokenizer's file may not be here, so each byte is a token; the rest is its own."""
    import tiktoken
    from langchain_openai import OpenAIEmbeddings
    from openai import BadRequestError

    ranks = {bytes([i]): i for i in range(256)}
    encoding = tiktoken.Encoding("bytes", pat_str=r"[\s\S]", mergeable_ranks=ranks, special_tokens={})
    tiktoken.encoding_for_model = lambda name: encoding
    tiktoken.get_encoding = lambda name: encoding
    embeddings = OpenAIEmbeddings(model="starter", base_url=f"{base}/v1", api_key="none")
    try:
        embeddings.embed_documents(texts)
        raise AssertionError("token ids of another model were taken")
    except BadRequestError as e:
        assert "check_embedding_ctx_length=False" in str(e), e


def huggingface_hub():
    from huggingface_hub import InferenceClient

    client = InferenceClient(base_url=base, token="none")
    alike([client.feature_extraction(text)[0].tolist() for text in texts], passages)
    scores = client.sentence_similarity(texts[0], other_sentences=texts)
    assert scores[0] > 0.999 and scores[1] < 0.99, scores


failed = 0
for client in (openai, langchain_openai, langchain_openai_with_token_ids, huggingface_hub):
    module = client.__name__.split("_with_")[0]
    if importlib.util.find_spec(module) is None:
        print(f"{client.__name__}: skipped, not installed")
        continue
    try:
        client()
        print(f"{client.__name__}: {'refused with the remedy' if 'with_token_ids' in client.__name__ else 'equal'}")
    except Exception as e:  # told, and counted
        failed += 1
        print(f"{client.__name__}: FAILED: {type(e).__name__}: {e}")
sys.exit(failed)
