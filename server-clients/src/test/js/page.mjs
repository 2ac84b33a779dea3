// The page in headless Chromium: node page.mjs CHROMIUM URL URL_WITH_SPARSE SCREENSHOT_FOLDER
import { chromium } from "playwright-core";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [executablePath, url, sparseUrl, shots] = process.argv.slice(2);
const check = (ok, what) => {
  if (!ok) throw new Error(`failed: ${what}`);
  console.log(`ok: ${what}`);
};
const context = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "luciole-page-")), {
  executablePath,
  headless: true,
  viewport: { width: 1280, height: 900 },
  colorScheme: "light",
  reducedMotion: "reduce",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
try {
  const page = await context.newPage();
  const problems = [];
  page.on("console", (m) => { if (m.type() === "error") problems.push(m.text()); });
  page.on("pageerror", (e) => problems.push(String(e)));
  page.on("request", (r) => { if (!/^(data:|blob:)/.test(r.url()) && !r.url().startsWith(url) && !r.url().startsWith(sparseUrl)) problems.push(`asked ${r.url()}`); });
  const ids = () => page.$$eval("#hits > li", (all) => all.map((li) => li.dataset.id));
  const settled = async (act, what) => {
    const before = (await ids()).join();
    await act();
    await page.waitForFunction((b) => [...document.querySelectorAll("#hits > li")].map((li) => li.dataset.id).join() !== b, before, { timeout: 15000 });
    check(true, what);
  };

  await page.goto(url);
  await page.waitForSelector("#leg-dense");
  check((await page.textContent("#about")).includes("documents"), "the page says what it searches");
  await page.fill("#query", "bees dance to tell where flowers are");
  await page.waitForSelector("#hits > li");
  check((await ids()).length === 10, "a search shows ten hits");
  check(/hits .* ms/.test(await page.textContent("#status")), "the live region tells the count and the time");
  check((await page.getAttribute("#status", "aria-live")) === "polite", "the status is a live region");
  const marks = await page.$$eval("mark", (all) => all.map((m) => [m.textContent.toLowerCase(), Number(m.style.getPropertyValue("--bm25-weight"))]));
  check(marks.some(([t]) => t.startsWith("bee")), "words that matched are marked");
  check(new Set(marks.map(([, w]) => w)).size > 1 && marks.every(([, w]) => w > 0 && w <= 1), "and shaded by weight");
  const label = await page.getAttribute("#hits .bar", "aria-label");
  check(/Meaning \d+ %.*Words \d+ %/.test(label), `a bar says its shares: ${label}`);

  await settled(() => page.fill("#query", "how do insects find each other in the dark"), "another query, other hits");
  await settled(async () => {
    await page.focus("#weight-dense");
    await page.keyboard.press("Home");
  }, "moving the weight of meaning to 0 by the keyboard changes the order");
  await settled(() => page.click("#reset"), "reset brings the order back");
  await settled(() => page.uncheck("#leg-dense"), "switching a leg off changes the order");
  await settled(() => page.check("#leg-dense"), "switching it on changes it back");
  await settled(async () => {
    await page.selectOption("#fusion", "minmax");
    await page.fill("#weight-bm25", "2");
  }, "another fusion and weight change the order");
  check(!(await page.isVisible("#k-row")), "k is shown for reciprocal rank alone");
  await page.check("#explain");
  await page.waitForSelector(".explanation:not([hidden])");
  check((await page.textContent(".explanation")).includes("minmax"), "a score is explained");
  await page.uncheck("#explain");
  await page.click("#reset");

  await page.focus("#reset");
  await page.keyboard.press("/");
  check(await page.evaluate(() => document.activeElement.id === "query"), "the slash goes to the box");
  await page.keyboard.press("ArrowDown");
  check(await page.evaluate(() => document.activeElement.closest("#hits > li") !== null), "arrow down goes to the hits");
  await page.keyboard.press("ArrowUp");
  check(await page.evaluate(() => document.activeElement.id === "query"), "and up goes back");
  check(await page.evaluate(() => [...document.querySelectorAll("input, select, button")].every((c) =>
    c.closest("[hidden]") || c.labels?.length || c.textContent.trim() || c.getAttribute("aria-label"))), "every control has a label");
  for (const leg of await page.$$("#legs input[type=checkbox]")) await leg.uncheck();
  await page.waitForFunction(() => document.querySelector("#status").classList.contains("bad"));
  check(true, "no leg: the page says so");
  await page.click("#reset");
  await page.click("#server summary");
  await page.waitForSelector("#stats dd");
  check((await page.textContent("#stats")).includes("Documents"), "the server's statistics are shown");
  await page.click("#server summary");

  for (const scheme of ["light", "dark"]) {
    for (const [name, width, height] of [["desktop", 1280, 900], ["phone", 390, 844]]) {
      const own = await context.newPage();
      await own.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await own.setViewportSize({ width, height });
      await own.goto(`${url}?q=${encodeURIComponent("insects that glow in the dark")}`);
      await own.waitForSelector("#hits > li");
      const overflow = await own.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      check(overflow <= 0, `${name}, ${scheme}: nothing sticks out`);
      await own.screenshot({ path: join(shots, `page-${name}-${scheme}.png`) });
      await own.close();
    }
  }

  const sparse = await context.newPage();
  await sparse.goto(sparseUrl);
  await sparse.waitForSelector("#leg-sparse");
  await sparse.fill("#query", "fireflies in the dark");
  await sparse.waitForSelector(".tokens li");
  check((await sparse.$$("mark.sparse")).length > 0, "with sparse weights, tokens are marked");
  check((await sparse.textContent(".tokens")).length > 0, "and listed");
  await sparse.screenshot({ path: join(shots, "page-sparse.png") });
  check(problems.length === 0, `no errors, nothing asked elsewhere ${problems.join("; ")}`);
  console.log("page: all passed");
} finally {
  await context.close();
}
