// npm's openai in Chromium, on a page of another origin: node browser.mjs CHROMIUM BASE_URL EXPECTED.json
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const [executablePath, baseURL, file] = process.argv.slice(2);
const { texts, passages } = JSON.parse(readFileSync(file, "utf8"));
const bundle = await build({
  stdin: { contents: 'import OpenAI from "openai"; window.OpenAI = OpenAI;', resolveDir: process.cwd() },
  bundle: true,
  format: "iife",
  write: false,
});
const pages = createServer((request, response) => {
  const script = request.url === "/client.js";
  response.setHeader("Content-Type", script ? "text/javascript" : "text/html");
  response.end(script ? bundle.outputFiles[0].text : '<!doctype html><script src="/client.js"></script>');
});
await new Promise((done) => pages.listen(0, "127.0.0.1", done));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${pages.address().port}/`);
  const found = await page.evaluate(async ([baseURL, input]) => {
    const client = new OpenAI({ baseURL, apiKey: "none", dangerouslyAllowBrowser: true });
    const answer = await client.embeddings.create({ model: "starter", input });
    try {
      await client.embeddings.create({ model: "another", input });
    } catch (e) {
      return { vectors: answer.data.map((each) => Array.from(each.embedding)), status: e.status, id: e.requestID };
    }
  }, [baseURL, texts]);
  found.vectors.forEach((vector, i) => {
    let dot = 0;
    vector.forEach((value, j) => (dot += value * passages[i][j]));
    if (!(dot > 0.9999)) throw new Error(`the cosine with the library's vector ${i} is ${dot}`);
  });
  if (found.status !== 404 || !found.id) throw new Error(`status ${found.status}, request id ${found.id}`);
  console.log("openai in a browser: equal");
} finally {
  await browser.close();
  pages.close();
}
