"""Python's clients, unmodified and with their defaults, against a server: clients.py ROOT_URL EXPECTED.json

EXPECTED has two texts, and the library's vectors of them as passages and as queries. A client that is not installed is skipped and said so.
"""

import importlib.util
import json
import math
import os
import sys

root, file = sys.argv[1:3]
base = root.rstrip("/")
with open(file, encoding="utf-8") as expected:
    data = json.load(expected)
texts, passages, queries = data["texts"], data["passages"], data["queries"]
os.environ["CO_API_URL"] = base


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


def cohere():
    import cohere

    client = cohere.Client(api_key="none", base_url=base)
    alike(client.embed(texts=texts, input_type="search_document", model="starter").embeddings, passages)
    alike(client.embed(texts=texts, input_type="search_query", model="starter").embeddings, queries)
    reranked = client.rerank(query=texts[1], documents=texts, model="starter")
    assert [result.index for result in reranked.results] == [1, 0], reranked


def cohere_v2():
    import cohere

    client = cohere.ClientV2(api_key="none", base_url=base)
    answer = client.embed(
        texts=texts, input_type="search_document", model="starter", embedding_types=["float", "int8", "ubinary"]
    )
    alike(answer.embeddings.float_, passages)
    assert [len(vector) for vector in answer.embeddings.int8] == [len(vector) for vector in passages]
    assert [8 * len(vector) for vector in answer.embeddings.ubinary] == [len(vector) for vector in passages]
    reranked = client.rerank(query=texts[1], documents=texts, model="starter", top_n=1)
    assert [result.index for result in reranked.results] == [1], reranked


def chromadb_openai():
    from chromadb.utils.embedding_functions import OpenAIEmbeddingFunction

    embed = OpenAIEmbeddingFunction(api_key="none", api_base=f"{base}/v1", model_name="starter")
    alike([vector.tolist() for vector in embed(texts)], passages)


def chromadb_huggingface_server():
    from chromadb.utils.embedding_functions import HuggingFaceEmbeddingServer

    for url in (f"{base}/embed", base):
        alike([vector.tolist() for vector in HuggingFaceEmbeddingServer(url=url)(texts)], passages)


def chromadb_cohere():
    """Cohere's client under it takes the address from CO_API_URL, which is read when it is imported."""
    from chromadb.utils.embedding_functions import CohereEmbeddingFunction

    embed = CohereEmbeddingFunction(api_key="none", model_name="starter")
    alike([vector.tolist() for vector in embed(texts)], passages)


def langchain_huggingface():
    """It takes no address by itself, but any client of huggingface_hub."""
    from huggingface_hub import InferenceClient
    from langchain_huggingface import HuggingFaceEndpointEmbeddings

    embeddings = HuggingFaceEndpointEmbeddings(model="starter", huggingfacehub_api_token="none")
    embeddings.client = InferenceClient(base_url=base, token="none")
    embeddings.model = None
    alike(embeddings.embed_documents(texts), passages)


CLIENTS = {
    openai: ["openai"],
    langchain_openai: ["langchain_openai"],
    langchain_openai_with_token_ids: ["langchain_openai", "tiktoken"],
    huggingface_hub: ["huggingface_hub", "numpy"],
    langchain_huggingface: ["langchain_huggingface", "numpy"],
    cohere: ["cohere"],
    cohere_v2: ["cohere"],
    chromadb_openai: ["chromadb", "openai"],
    chromadb_huggingface_server: ["chromadb"],
    chromadb_cohere: ["chromadb", "cohere", "PIL"],
}

failed = 0
for client, modules in CLIENTS.items():
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        print(f"{client.__name__}: skipped, without {' and '.join(missing)}")
        continue
    try:
        client()
        print(f"{client.__name__}: {'refused with the remedy' if 'with_token_ids' in client.__name__ else 'equal'}")
    except Exception as e:  # told, and counted
        failed += 1
        print(f"{client.__name__}: FAILED: {type(e).__name__}: {e}")
sys.exit(failed)
