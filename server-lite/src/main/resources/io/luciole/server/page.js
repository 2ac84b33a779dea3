// The page but for how a hit is drawn. State is in the controls and in the address; every change asks the server anew, and
// an answer that a later question has overtaken is dropped.
import { LEGS, contributed, el, hitNode, number } from "./hits.js";

const $ = (id) => document.getElementById(id);
const EXAMPLES = ["my salary buys fewer things than it used to", "insects that glow", "how do bees talk", "jaguar"];
const PAGE = 10;
const FACETS = ["keyword", "boolean"];
/** Longer questions are not kept in the address, which servers and proxies limit. */
const LONGEST_IN_ADDRESS = 1000;
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

let available = [];
let fields = [];
let filters = [];
let canRerank = false;
let shown = null; // { body, hits, found, view }: what the list answers
let asked = null;
let timer = 0;
let retry = 0;

const bytes = (n) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit++; }
  return `${number(n, unit ? 1 : 0)} ${units[unit]}`;
};

// ---- Asking the server

/** A failure in words for whoever searches. */
class Trouble extends Error {
  constructor(text, status) { super(text); this.status = status; }
}

async function call(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  const key = sessionStorage.getItem("luciole-key");
  if (key) headers.Authorization = `Bearer ${key}`;
  let answer;
  try {
    answer = await fetch(path, body ? { method: "POST", headers, body: JSON.stringify(body), signal } : { headers, signal });
  } catch (e) {
    if (e.name === "AbortError") throw e;
    throw new Trouble("The server cannot be reached. It may have ended, or the network may be down.", 0);
  }
  if (answer.status === 401) { askForKey(Boolean(key)); throw new Trouble("", 401); }
  let json = null;
  try { json = JSON.parse(await answer.text()); } catch (e) { if (e.name === "AbortError") throw e; }
  if (answer.ok && json !== null) { $("key-form").hidden = true; return json; }
  const said = json && json.error && json.error.message;
  throw new Trouble(said ? inWords(answer, said)
    : `Something between this page and the server answered instead of it (status ${answer.status}).`, answer.status);
}

function inWords(answer, said) {
  switch (answer.status) {
    case 403: return said.includes("right to") ? "The key that you gave may not search here. Ask whoever runs this server." : said;
    case 429: return `The server is busy. Try again in ${answer.headers.get("Retry-After") || "a few"} seconds.`;
    case 503: return "The server is not ready, or is about to end. Try again soon.";
    case 504: return "The server did not finish in time. Try again, or ask for less.";
    default: return said;
  }
}

function askForKey(wrong) {
  const form = $("key-form");
  const first = form.hidden;
  $("key-words").textContent = wrong
    ? "The key that you gave is not, or no longer, one of this server's. Check it, or ask whoever runs the server for another."
    : "Searching here takes a key. Whoever runs this server can give you one.";
  form.hidden = false;
  if (wrong) sessionStorage.removeItem("luciole-key");
  if (first || wrong) { $("key").value = ""; $("key").focus(); }
}

function tell(text, bad, canRetry) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", Boolean(bad && text));
  $("again").hidden = !canRetry;
}

function waiting(on) {
  $("wait").hidden = !on;
  $("hits").setAttribute("aria-busy", String(on));
  if (on) {
    $("hits").classList.toggle("old", $("hits").childElementCount > 0);
    tell("Searching …");
  }
}

// ---- The controls

function makeLegs(legs) {
  available = Object.keys(LEGS).filter((leg) => legs.includes(leg));
  for (const leg of available) {
    const row = el("div", `leg ${leg}`);
    const toggle = el("label", "switch");
    const check = Object.assign(el("input"), { type: "checkbox", id: `leg-${leg}`, checked: true });
    const text = el("span", "", LEGS[leg].name);
    text.append(el("span", "quiet", ` ${LEGS[leg].detail}`));
    toggle.append(check, el("span", `dot ${leg}`), text);
    const slider = el("div", "slider");
    const label = el("label", "hidden", `Weight of ${LEGS[leg].name.toLowerCase()}, ${LEGS[leg].detail}`);
    label.htmlFor = `weight-${leg}`;
    const range = Object.assign(el("input"), { type: "range", id: `weight-${leg}`, min: "0", max: "2", step: "0.05" });
    range.value = "1";
    const value = el("output");
    value.htmlFor = range.id;
    slider.append(label, range, value);
    row.append(toggle, slider);
    $("legs").append(row);
    check.addEventListener("input", changed);
    range.addEventListener("input", changed);
  }
  showControls();
}

function showControls() {
  for (const leg of available) {
    const on = $(`leg-${leg}`).checked;
    const range = $(`weight-${leg}`);
    range.disabled = !on;
    range.closest(".leg").classList.toggle("off", !on);
    range.parentElement.querySelector("output").textContent = Number(range.value).toFixed(2);
    range.setAttribute("aria-valuetext", Number(range.value).toFixed(2));
  }
  $("k-value").textContent = $("k").value;
  $("k-row").hidden = $("fusion").value !== "rrf";
}

function changed() {
  showControls();
  clearTimeout(timer);
  timer = setTimeout(search, 60);
}

/** Says only what differs from the server's defaults, so that the page finds what every other client finds. */
function question() {
  const body = { query: $("query").value.trim(), top: PAGE, highlight: $("marks").checked, explain: $("explain").checked };
  const legs = available.filter((leg) => $(`leg-${leg}`).checked);
  if (legs.length !== available.length) body.legs = legs;
  const weights = legs.map((leg) => [leg, Number($(`weight-${leg}`).value)]);
  if (weights.some(([, weight]) => weight !== 1)) body.weights = Object.fromEntries(weights);
  const fusion = $("fusion").value;
  if (fusion !== "auto") body.fusion = fusion === "rrf" ? `rrf:${$("k").value}` : fusion;
  if (canRerank && $("rerank").checked) body.rerank = { depth: 50 };
  if (filters.length) body.filter = { $all: filters.map(([field, value]) => ({ [field]: value })) };
  if (fields.length) body.facets = fields.map((field) => `${field}:8`);
  return body;
}

// ---- Filters

function choose(field, value) {
  if (!filters.some(([f, v]) => f === field && v === value)) filters.push([field, value]);
  remember(true);
  search();
}

function drop(at) {
  filters.splice(at, 1);
  remember(true);
  search();
  $("query").focus();
}

function valueButton(text, label, act) {
  const item = el("li");
  const button = el("button", "", text);
  button.type = "button";
  button.dir = "auto";
  button.setAttribute("aria-label", label);
  button.addEventListener("click", act);
  item.append(button);
  return item;
}

function showFilters(facets) {
  $("chosen").replaceChildren(...filters.map(([field, value], at) =>
    valueButton(`${field}: ${value} ×`, `Remove the filter ${field}: ${value}`, () => drop(at))));
  $("chosen").hidden = !filters.length;
  const rows = (facets || []).filter((facet) => facet.values.length > 1).map((facet) => {
    const row = el("div");
    const list = el("ul", "values");
    list.append(...facet.values.map(({ value, count }) =>
      valueButton(`${value} ${number(count)}`, `Only ${facet.field}: ${value}, ${number(count)} documents`, () => choose(facet.field, value))));
    row.append(el("span", "quiet", facet.field), list);
    return row;
  });
  $("facets").replaceChildren(...rows);
  $("facets").hidden = !rows.length;
}

// ---- The address, which has the question and the filters

function remember(step) {
  const url = new URL(location.href);
  const query = $("query").value.trim();
  url.searchParams.delete("q");
  url.searchParams.delete("filter");
  if (query && query.length <= LONGEST_IN_ADDRESS) url.searchParams.set("q", query);
  if (filters.length) url.searchParams.set("filter", JSON.stringify(filters));
  document.title = query ? `${query.slice(0, 80)} – Luciole` : "Luciole";
  if (url.href === location.href) return;
  if (step) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
}

function recall() {
  const params = new URL(location.href).searchParams;
  $("query").value = params.get("q") || "";
  try {
    filters = JSON.parse(params.get("filter") || "[]").filter((f) => Array.isArray(f) && f.length === 2);
  } catch (e) {
    filters = [];
  }
}

// ---- Searching

async function search() {
  if (!available.length) return;
  if (asked) asked.abort();
  asked = null;
  const body = question();
  remember(false);
  if (!body.query) {
    empty();
    $("examples").hidden = false;
    tell("");
    return;
  }
  $("examples").hidden = true;
  if (body.legs && !body.legs.length) {
    waiting(false);
    tell("No leg is on; switch one on to search.", true);
    return;
  }
  await ask(body, (answer) => render(answer, body));
}

function empty() {
  shown = null;
  waiting(false);
  $("hits").replaceChildren();
  showFilters([]);
  $("legend").hidden = true;
  $("further").hidden = true;
}

async function ask(body, use) {
  const mine = new AbortController();
  asked = mine;
  const slow = setTimeout(() => { if (asked === mine) waiting(true); }, 150);
  try {
    const answer = await call("v1/search", body, mine.signal);
    if (asked !== mine) return;
    waiting(false);
    $("hits").classList.remove("old");
    use(answer);
  } catch (e) {
    if (e.name === "AbortError" || asked !== mine) return;
    waiting(false);
    const left = $("hits").childElementCount > 0;
    $("hits").classList.toggle("old", left);
    $("further").hidden = true;
    tell(e.message + (left && e.message ? " The hits below answer an earlier question." : ""), true, e.status !== 401 && e.status !== 400);
  } finally {
    clearTimeout(slow);
  }
}

async function further() {
  const { body, hits, view } = shown;
  const before = hits.length;
  await ask({ ...body, offset: before, view, facets: [] }, (answer) => {
    shown.hits = hits.concat(answer.hits);
    draw();
    summary(answer, answer.hits.length ? "" : "There are no further hits.");
    const first = $("hits").children[before];
    if (first) first.firstElementChild.focus();
    if (answer.hits.length < PAGE) $("further").hidden = true;
  });
}

function render(answer, body) {
  shown = { body, hits: answer.hits, found: answer.found, view: answer.view };
  const list = $("hits");
  const before = new Map([...list.children].map((li) => [li.dataset.id, li.getBoundingClientRect().top]));
  const focused = document.activeElement && document.activeElement.closest("#hits > li");
  const focusedId = focused ? focused.dataset.id : null;
  draw();
  if (!still.matches) {
    for (const li of list.children) {
      const was = before.get(li.dataset.id);
      const moved = was === undefined ? 0 : was - li.getBoundingClientRect().top;
      if (moved) li.animate([{ transform: `translateY(${moved}px)` }, { transform: "none" }], { duration: 220, easing: "ease-out" });
    }
  }
  if (focusedId) {
    const again = [...list.children].find((li) => li.dataset.id === focusedId);
    if (again) again.firstElementChild.focus({ preventScroll: true });
  }
  showFilters(answer.facets);
  summary(answer, answer.hits.length ? "" : "Nothing found. Other words, another leg or fewer filters may find something.");
  $("further").hidden = answer.hits.length < PAGE || answer.found <= answer.hits.length;
}

function draw() {
  const legs = shown.body.legs || available;
  const most = Math.max(...shown.hits.map((hit) => contributed(hit, legs)), 1e-12);
  $("hits").replaceChildren(...shown.hits.map((hit) => hitNode(hit, legs, most, choose)));
  $("legend").replaceChildren(el("span", "", "Each bar: what the legs add to the score."));
  for (const leg of legs) {
    const item = el("span");
    item.append(el("i", `dot ${leg}`), LEGS[leg].name);
    $("legend").append(item);
  }
  $("legend").hidden = !shown.hits.length;
}

function summary(answer, nothing) {
  const count = shown.hits.length;
  const of = answer.found > count ? ` of ${number(answer.found)} found` : "";
  const embedding = answer.embedding_ms ? `, of which embedding the query took ${number(answer.embedding_ms, 0)} ms` : "";
  tell(nothing || `${count === 1 ? "One hit" : `${count} hits`}${of} in ${number(answer.took_ms, 0)} ms${embedding}`
    + (answer.partial ? "; the time was up, so some may be missing" : ""));
}

// ---- The server

async function stats() {
  const all = await call("v1/stats");
  const { model, engine, index } = all;
  const rows = [
    ["Model", `${model.name} (${model.outputs})`],
    ["Runs on", `${model.device}, ${model.precision}, ${model.backend}`],
    ["Texts embedded", number(engine.embedded)],
    ["Waiting", `${number(engine.waiting_texts)} texts, ${number(engine.waiting_tokens)} tokens`],
    ["Device busy", `${number(100 * engine.busy_share, 1)} %`],
  ];
  if (index) {
    rows.unshift(["Documents", number(index.documents)]);
    rows.push(["Index", `${bytes(index.bytes)} in ${index.segments} segments`]);
    for (const [name, size] of Object.entries(index.bytes_by_field).slice(0, 4)) rows.push([`… ${name}`, bytes(size)]);
  }
  $("stats").replaceChildren(...rows.map(([name, value]) => {
    const row = el("div");
    row.append(el("dt", "", name), el("dd", "", value));
    return row;
  }));
  // A link sends no key.
  $("metrics").hidden = Boolean(sessionStorage.getItem("luciole-key"));
  return all;
}

/** Learns what there is to search, and searches; tries again by itself while the server cannot be reached. */
async function start() {
  clearTimeout(retry);
  let all;
  try {
    all = await stats();
  } catch (e) {
    if (e.status === 401) { tell(""); return; }
    tell(e.message, true, true);
    if (e.status === 0 || e.status >= 500) retry = setTimeout(start, 3000);
    return;
  }
  tell("");
  if (!all.index) {
    $("about").textContent = `Embeddings by ${all.model.name}`;
    tell("This server has no index. Start it with luciole serve --index FOLDER to search here.");
    for (const id of ["query", "fusion", "k", "marks", "explain", "reset"]) $(id).disabled = true;
    return;
  }
  $("about").textContent = `${number(all.index.documents)} documents, ${all.model.name}`;
  canRerank = all.model.outputs.includes("colbert") && Object.keys(all.index.bytes_by_field).some((f) => /colbert/.test(f));
  $("rerank-set").hidden = !canRerank;
  fields = Object.entries(all.index.metadata || {}).filter(([, type]) => FACETS.includes(type)).map(([name]) => name).slice(0, 6);
  if (!available.length) makeLegs(all.index.legs);
  search();
}

/** Asks for the statistics while they are in view, and says nothing if they cannot be had. */
function watch() {
  if ($("server").open && !document.hidden) stats().catch(() => {});
}

// ---- Events

const now = () => { clearTimeout(timer); search(); };
$("search").addEventListener("submit", (e) => { e.preventDefault(); remember(true); now(); });
$("query").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, 200); });
for (const id of ["fusion", "k", "rerank", "marks", "explain"]) $(id).addEventListener("input", changed);
$("reset").addEventListener("click", () => {
  for (const leg of available) {
    $(`leg-${leg}`).checked = true;
    $(`weight-${leg}`).value = "1";
  }
  $("fusion").value = "auto";
  $("k").value = "60";
  $("rerank").checked = false;
  changed();
});
$("further").addEventListener("click", further);
$("again").addEventListener("click", () => (available.length ? search() : start()));
$("key-form").addEventListener("submit", (e) => {
  e.preventDefault();
  sessionStorage.setItem("luciole-key", $("key").value.trim());
  start();
});
$("server").addEventListener("toggle", watch);
setInterval(watch, 3000);
window.addEventListener("popstate", () => { recall(); now(); });
for (const text of EXAMPLES) {
  const button = el("button", "plain", text);
  button.type = "button";
  button.addEventListener("click", () => { $("query").value = text; remember(true); now(); $("query").focus(); });
  $("examples").append(button);
}
document.addEventListener("keydown", (e) => {
  const active = document.activeElement;
  const typing = active.matches("input:not([type=checkbox], [type=range]), textarea");
  if (e.key === "/" && !typing && !e.ctrlKey && !e.metaKey && !e.altKey) {
    e.preventDefault();
    $("query").focus();
    $("query").select();
    return;
  }
  const inList = active.closest("#hits > li");
  const fromBox = active === $("query") && e.key === "ArrowDown";
  if ((inList || fromBox) && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
    const next = fromBox ? $("hits").firstElementChild
      : e.key === "ArrowDown" ? inList.nextElementSibling : inList.previousElementSibling;
    e.preventDefault();
    if (next) next.firstElementChild.focus();
    else if (e.key === "ArrowUp") $("query").focus();
  }
});
if (window.matchMedia("(max-width: 52rem)").matches) $("panel").open = false;
recall();
start();
