// npm's openai, unmodified, against a server: node openai.mjs BASE_URL EXPECTED.json
import { readFileSync } from "node:fs";
import OpenAI from "openai";

const [baseURL, file] = process.argv.slice(2);
const expected = JSON.parse(readFileSync(file, "utf8"));
const client = new OpenAI({ baseURL, apiKey: "none" });
const same = (a, b) => a.length === b.length && a.every((x, i) => Math.fround(x) === Math.fround(b[i]));
for (const encoding_format of [undefined, "float"]) {
  const answer = await client.embeddings.create({ model: "starter", input: [expected.text, "another"], encoding_format });
  if (!same(answer.data[0].embedding, expected.embedding)) throw new Error(`not equal as ${encoding_format}`);
  if (!(answer.usage.total_tokens > 0)) throw new Error("no usage");
}
const models = [];
for await (const model of client.models.list()) models.push(model.id);
if (models[0] !== "starter") throw new Error(`models: ${models}`);
try {
  await client.embeddings.create({ model: "other", input: "a" });
  throw new Error("an unknown model was taken");
} catch (e) {
  if (e.status !== 404 || e.code !== "model_not_found") throw e;
}
console.log("openai: equal");
