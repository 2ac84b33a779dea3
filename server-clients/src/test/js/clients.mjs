// Clients of npm, unmodified and with their defaults, against a server: node clients.mjs ROOT_URL EXPECTED.json
// EXPECTED has two texts, and the library's vectors of them as passages and as queries.
import { readFileSync } from "node:fs";
import { HuggingfaceServerEmbeddingFunction } from "@chroma-core/huggingface-server";
import { OpenAIEmbeddingFunction } from "@chroma-core/openai";
import { InferenceClient } from "@huggingface/inference";
import { CohereEmbeddings, CohereRerank } from "@langchain/cohere";
import { OpenAIEmbeddings } from "@langchain/openai";
import { CohereClient, CohereClientV2 } from "cohere-ai";
import { VoyageAIClient } from "voyageai";

const [root, file] = process.argv.slice(2);
const { texts, passages, queries } = JSON.parse(readFileSync(file, "utf8"));
const base = root.replace(/\/$/, "");
const apiKey = "none";
const model = "starter";
process.env.OPENAI_API_KEY = apiKey;

/** Of one text alone and among others: sums in another order, magnified where bytes round. */
function cosine(a, b) {
  if (a.length !== b.length) throw new Error(`${a.length} components instead of ${b.length}`);
  let dot = 0;
  let [aa, bb] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return dot / Math.sqrt(aa * bb);
}
function alike(found, expected) {
  if (found.length !== expected.length) throw new Error(`${found.length} vectors`);
  found.forEach((vector, i) => {
    const near = cosine(Array.from(vector), expected[i]);
    if (!(near > 0.9999)) throw new Error(`the cosine with the library's vector ${i} is ${near}`);
  });
}

const clients = {
  "@langchain/openai": async () => {
    const embeddings = new OpenAIEmbeddings({ model, apiKey, configuration: { baseURL: `${base}/v1` } });
    alike(await embeddings.embedDocuments(texts), passages);
    alike([await embeddings.embedQuery(texts[0])], [passages[0]]);
  },
  "@huggingface/inference": async () => {
    const client = new InferenceClient(apiKey, { endpointUrl: base });
    alike(await client.featureExtraction({ inputs: texts }), passages);
    const scores = await client.sentenceSimilarity({ inputs: { source_sentence: texts[0], sentences: texts } });
    if (!(scores[0] > 0.999 && scores[1] < 0.99)) throw new Error(`similarity: ${scores}`);
  },
  "cohere-ai, version 1": async () => {
    const client = new CohereClient({ token: apiKey, environment: base });
    const answer = await client.embed({ texts, model, inputType: "search_document" });
    alike(answer.embeddings, passages);
    const ranked = await client.rerank({ query: texts[0], documents: texts, model, topN: 1 });
    if (ranked.results[0].index !== 0) throw new Error("rerank");
  },
  "cohere-ai, version 2": async () => {
    const client = new CohereClientV2({ token: apiKey, environment: base });
    const answer = await client.embed({
      texts, model, inputType: "search_query", embeddingTypes: ["float", "int8", "ubinary"],
    });
    alike(answer.embeddings.float, queries);
    if (cosine(answer.embeddings.int8[0], queries[0]) < 0.999) throw new Error("int8");
    if (answer.embeddings.ubinary[0].length !== queries[0].length / 8) throw new Error("ubinary");
    const ranked = await client.rerank({ query: texts[1], documents: texts, model });
    if (ranked.results[0].index !== 1) throw new Error("rerank");
  },
  "@langchain/cohere": async () => {
    const client = new CohereClient({ token: apiKey, environment: base });
    const embeddings = new CohereEmbeddings({ client, model });
    alike(await embeddings.embedDocuments(texts), passages);
    alike([await embeddings.embedQuery(texts[0])], [queries[0]]);
    const ranked = await new CohereRerank({ client, model, topN: 1 }).rerank(texts, texts[1]);
    if (ranked[0].index !== 1) throw new Error("rerank");
  },
  voyageai: async () => {
    const client = new VoyageAIClient({ apiKey, environment: `${base}/v1` });
    const answer = await client.embed({ input: texts, model, inputType: "query" });
    alike(answer.data.map((each) => each.embedding), queries);
    const ranked = await client.rerank({ query: texts[1], documents: texts, model });
    if (ranked.data[0].index !== 1) throw new Error("rerank");
  },
  "@chroma-core/openai": async () => {
    const embed = new OpenAIEmbeddingFunction({ apiKey, modelName: model, apiBase: `${base}/v1` });
    alike(await embed.generate(texts), passages);
  },
  "@chroma-core/huggingface-server": async () => {
    const embed = new HuggingfaceServerEmbeddingFunction({ url: base });
    alike(await embed.generate(texts), passages);
  },
};

let failed = 0;
for (const [name, run] of Object.entries(clients)) {
  try {
    await run();
    console.log(`${name}: equal`);
  } catch (e) {
    failed++;
    console.log(`${name}: FAILED: ${e.stack ?? e}`);
  }
}
process.exit(failed);
