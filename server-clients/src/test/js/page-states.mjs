// The page's states beyond a search that goes well: node page-states.mjs CHROMIUM URL URL_WITH_COLBERT URL_WITH_KEY
// URL has typed fields lang and topic; URL_WITH_COLBERT has token vectors; the key of URL_WITH_KEY is "secret".
import axe from "axe-core";
import { chromium } from "playwright-core";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [executablePath, url, colbertUrl, keyedUrl, shots] = process.argv.slice(2);
const check = (ok, what) => {
  if (!ok) throw new Error(`failed: ${what}`);
  console.log(`ok: ${what}`);
};
const context = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "luciole-page-")), {
  executablePath,
  headless: true,
  reducedMotion: "reduce",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
context.setDefaultTimeout(60000);
const open = async (path) => {
  const page = await context.newPage();
  await page.goto(path);
  return page;
};
const ids = (page) => page.$$eval("#hits > li", (all) => all.map((li) => li.dataset.id));
const status = (page, pattern) => page.waitForFunction((p) => new RegExp(p).test(document.querySelector("#status").textContent), pattern);
const accessible = async (page, what) => {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => (await window.axe.run()).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 90)).join(" | ")}`));
  check(found.length === 0, `axe finds nothing: ${what} ${found.join("; ")}`);
};
const search = encodeURIComponent("insects that glow in the dark");

try {
  // Further hits: none repeated, the first pages as the server gives them at once.
  const page = await open(`${url}?q=${search}`);
  await page.waitForSelector("#hits > li");
  for (const expected of [20, 30]) {
    await page.click("#further");
    await page.waitForFunction((n) => document.querySelectorAll("#hits > li").length === n, expected);
  }
  const thirty = await (await fetch(new URL("v1/search", url), {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ query: "insects that glow in the dark", top: 30 }),
  })).json();
  check((await ids(page)).join() === thirty.hits.map((hit) => hit.id).join(), "thirty hits, as every other client gets them by default");
  check((await page.evaluate(() => document.activeElement.closest("li")?.dataset.id)) === thirty.hits[20].id, "the first further hit has the focus");

  // Filters: a facet, then a value of a hit; in the address, removed, and back.
  await page.click("#facets button:has-text('en ')");
  await page.waitForSelector("#chosen button");
  await status(page, "hits.* ms");
  const langs = await page.$$eval("#hits .meta", (all) => all.map((m) => m.textContent));
  check(langs.length > 0 && langs.every((text) => text.includes("lang: en")), "a facet filters");
  await page.click("#hits .value:has-text('topic: ')");
  await page.waitForFunction(() => document.querySelectorAll("#chosen button").length === 2);
  check(new URL(page.url()).searchParams.has("filter"), "filters are in the address");
  await page.goBack();
  await page.waitForFunction(() => document.querySelectorAll("#chosen button").length === 1);
  check(true, "back takes the last filter away");
  await page.click("#chosen button");
  await page.waitForFunction(() => document.querySelector("#chosen").hidden);
  check((await page.title()).startsWith("insects that glow"), "the title is the question");

  // Right to left, the slash from a checkbox, and long questions.
  check((await page.$$eval("#query, h3, .text", (all) => all.every((n) => n.matches("[dir=auto]")))), "texts have their own direction");
  await page.focus("#marks");
  await page.keyboard.press("/");
  check(await page.evaluate(() => document.activeElement.id === "query"), "the slash goes to the box from a checkbox, too");
  await page.fill("#query", "long ".repeat(3000));
  await status(page, "hits.* ms");
  await page.waitForFunction(() => !new URL(location.href).searchParams.has("q"));
  check(true, "a question that is too long for an address is searched, and not in it");

  // A slow server, a proxy's error, a server that is busy, and one that is gone.
  await page.goto(`${url}?q=${search}`);
  await page.waitForSelector("#hits > li");
  let answer = null;
  await page.route("**/v1/search", (route) => (answer ? answer(route) : route.continue()));
  let go = null;
  answer = (route) => { go = () => route.continue(); };
  await page.fill("#query", "bees");
  await page.waitForSelector("#wait:not([hidden])");
  check(await page.$eval("#hits", (n) => n.classList.contains("old") && n.getAttribute("aria-busy") === "true"), "hits of the earlier question are grey while the server works");
  await page.waitForTimeout(100);
  go();
  await status(page, "hits.* ms");
  check(await page.$eval("#hits", (n) => !n.classList.contains("old")), "and then are not");
  const fails = async (answering, pattern, what) => {
    answer = answering;
    await page.fill("#query", what);
    await status(page, pattern);
    const said = await page.textContent("#status");
    check(!/JSON|token|undefined|fetch/.test(said) && said.includes("earlier question"), `${what}: ${said}`);
    check(await page.isVisible("#again"), "and it can be tried again");
  };
  await fails((r) => r.fulfill({ status: 502, contentType: "text/html", body: "<html>Bad gateway" }), "status 502", "a proxy's error");
  await fails((r) => r.fulfill({ status: 429, headers: { "Retry-After": "7" }, json: { error: { message: "x" } } }), "in 7 seconds", "a busy server");
  await fails((r) => r.abort(), "cannot be reached", "no server");
  answer = null;
  await page.click("#again");
  await status(page, "hits.* ms");
  check(true, "trying again works");
  await page.close();

  // Statistics that fail at the start: the question is kept, and the page comes to itself.
  const late = await context.newPage();
  let tries = 0;
  await late.route("**/v1/stats", (route) => (++tries < 2 ? route.fulfill({ status: 502, body: "<html>" }) : route.continue()));
  await late.goto(`${url}?q=${search}`);
  await status(late, "status 502");
  await late.waitForSelector("#hits > li");
  check((await late.inputValue("#query")) === "insects that glow in the dark", "the question survives a bad start");
  await late.close();

  // Reranking, by token vectors.
  const colbert = await open(`${colbertUrl}?q=${search}`);
  await colbert.waitForSelector("#hits > li");
  await colbert.waitForSelector("#rerank-set:not([hidden])");
  const before = (await ids(colbert)).join();
  await colbert.check("#rerank");
  await colbert.waitForFunction((b) => [...document.querySelectorAll("#hits > li")].map((li) => li.dataset.id).join() !== b, before);
  check(true, "reranking is offered where there are token vectors, and reorders");
  check((await colbert.$$("mark.sparse.bm25, mark.bm25.sparse")).length > 0, "a piece that words and tokens matched shows both");

  // A key, in the middle of the page.
  const keyed = await open(`${keyedUrl}?q=${search}`);
  await keyed.waitForSelector("#key-form:not([hidden])");
  check(await keyed.evaluate(() => document.activeElement.id === "key" && document.querySelector("#key").closest(".results") !== null), "the key is asked for where hits would be, with the focus there");
  check(!/Bearer|Authorization|X-API-Key/.test(await keyed.textContent("#key-form")), "in a user's words");
  await accessible(keyed, "the key is asked for");
  await keyed.fill("#key", "wrong");
  await keyed.keyboard.press("Enter");
  await keyed.waitForFunction(() => /Check it/.test(document.querySelector("#key-words").textContent));
  check(true, "a wrong key is told as that");
  await keyed.fill("#key", "secret");
  await keyed.keyboard.press("Enter");
  await keyed.waitForSelector("#hits > li");
  check(await keyed.isHidden("#key-form"), "the right one searches for what was asked");
  check(await keyed.$eval("#metrics", (n) => n.hidden), "no link that cannot work is shown");
  await keyed.close();

  // Accessibility: colours and sizes, with everything on.
  for (const colorScheme of ["light", "dark"]) {
    for (const [size, width, height] of [["desktop", 1280, 900], ["narrow", 320, 640]]) {
      await colbert.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await colbert.setViewportSize({ width, height });
      await colbert.goto(`${colbertUrl}?q=${search}`);
      await colbert.waitForSelector("#hits > li");
      await colbert.evaluate(() => { document.querySelector("#panel").open = true; document.querySelector("#server").open = true; document.querySelector("#explain").click(); });
      await colbert.waitForSelector(".explanation:not([hidden])");
      const overflow = await colbert.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      check(overflow <= 0, `${size}, ${colorScheme}: nothing sticks out`);
      await accessible(colbert, `${size}, ${colorScheme}`);
      if (shots) await colbert.screenshot({ path: join(shots, `states-${size}-${colorScheme}.png`) });
    }
  }
  console.log("page states: all passed");
} finally {
  await context.close();
}
