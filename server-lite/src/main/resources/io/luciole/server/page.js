"use strict";
// The whole page. State is in the controls; every change asks the server anew, and an answer that a later question has
// overtaken is dropped. All text is set as text, never as HTML.
(() => {
  const $ = (id) => document.getElementById(id);
  const LEGS = {
    dense: { name: "Meaning", detail: "dense vectors", weight: 1 },
    sparse: { name: "Tokens", detail: "learned weights", weight: 1 },
    bm25: { name: "Words", detail: "BM25", weight: 1 },
  };
  const EXAMPLES = ["my salary buys fewer things than it used to", "insects that glow", "how do bees talk", "jaguar"];
  const SHORT = 420;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let available = [];
  let asked = null;
  let timer = 0;
  let canRerank = false;

  const el = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const number = (value, digits = 0) =>
    Number(value).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const bytes = (n) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit++; }
    return `${number(n, unit ? 1 : 0)} ${units[unit]}`;
  };

  async function call(path, body, signal) {
    const headers = { "Content-Type": "application/json" };
    const key = sessionStorage.getItem("luciole-key");
    if (key) headers.Authorization = `Bearer ${key}`;
    const answer = await fetch(path, body ? { method: "POST", headers, body: JSON.stringify(body), signal } : { headers, signal });
    $("key-form").hidden = answer.status !== 401;
    const json = await answer.json();
    if (!answer.ok) throw new Error(json.error ? json.error.message : `The server answered ${answer.status}.`);
    return json;
  }

  function tell(text, bad) {
    $("status").textContent = text;
    $("status").classList.toggle("bad", Boolean(bad));
  }

  // ---- The controls

  function makeLegs(legs) {
    available = Object.keys(LEGS).filter((leg) => legs.includes(leg));
    for (const leg of available) {
      const row = el("div", `leg ${leg}`);
      const toggle = el("label", "switch");
      const check = el("input");
      check.type = "checkbox";
      check.id = `leg-${leg}`;
      check.checked = true;
      const text = el("span", "", LEGS[leg].name);
      text.append(el("span", "quiet", ` ${LEGS[leg].detail}`));
      toggle.append(check, el("span", `dot ${leg}`), text);
      const slider = el("div", "slider");
      const label = el("label", "hidden", `Weight of ${LEGS[leg].name.toLowerCase()}, ${LEGS[leg].detail}`);
      label.htmlFor = `weight-${leg}`;
      const range = el("input");
      Object.assign(range, { type: "range", id: `weight-${leg}`, min: "0", max: "2", step: "0.05" });
      range.value = String(LEGS[leg].weight);
      const value = el("output");
      value.htmlFor = range.id;
      slider.append(label, range, value);
      row.append(toggle, slider);
      $("legs").append(row);
      check.addEventListener("input", changed);
      range.addEventListener("input", changed);
    }
    show();
  }

  function show() {
    for (const leg of available) {
      const on = $(`leg-${leg}`).checked;
      const range = $(`weight-${leg}`);
      range.disabled = !on;
      range.closest(".leg").classList.toggle("off", !on);
      range.parentElement.querySelector("output").textContent = Number(range.value).toFixed(1).replace(/^0\./, ".");
      range.setAttribute("aria-valuetext", Number(range.value).toFixed(2));
    }
    $("k-value").textContent = $("k").value;
    $("k-row").hidden = $("fusion").value !== "rrf";
  }

  function changed() {
    show();
    clearTimeout(timer);
    timer = setTimeout(search, 60);
  }

  function question() {
    const legs = available.filter((leg) => $(`leg-${leg}`).checked);
    const weights = {};
    for (const leg of legs) weights[leg] = Number($(`weight-${leg}`).value);
    const fusion = $("fusion").value;
    const body = {
      query: $("query").value.trim(),
      top: 10,
      legs,
      weights,
      fusion: fusion === "rrf" ? `rrf:${$("k").value}` : fusion,
      highlight: $("marks").checked,
      explain: $("explain").checked,
    };
    if (canRerank && $("rerank").checked) body.rerank = { depth: 50 };
    return body;
  }

  // ---- Searching

  async function search() {
    const body = question();
    if (asked) asked.abort();
    const url = new URL(location.href);
    if (body.query) url.searchParams.set("q", body.query);
    else url.searchParams.delete("q");
    history.replaceState(null, "", url);
    if (!body.query) {
      $("hits").replaceChildren();
      $("legend").hidden = true;
      $("examples").hidden = available.length === 0;
      tell(available.length ? "" : $("status").textContent);
      return;
    }
    $("examples").hidden = true;
    if (!body.legs.length) {
      tell("No leg is on; switch one on to search.", true);
      return;
    }
    const mine = new AbortController();
    asked = mine;
    try {
      const answer = await call("v1/search", body, mine.signal);
      if (asked === mine) render(answer, body);
    } catch (e) {
      if (e.name !== "AbortError" && asked === mine) tell(e.message, true);
    }
  }

  function render(answer, body) {
    const list = $("hits");
    const before = new Map([...list.children].map((li) => [li.dataset.id, li.getBoundingClientRect().top]));
    const focused = document.activeElement && document.activeElement.closest("#hits > li");
    const focusedId = focused ? focused.dataset.id : null;
    list.replaceChildren(...answer.hits.map((hit) => hitNode(hit, answer, body)));
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
    legend(body);
    const count = answer.hits.length;
    const of = answer.found > count ? ` of ${number(answer.found)} found` : "";
    tell(
      count
        ? `${count === 1 ? "One hit" : `${count} hits`}${of} in ${number(answer.took_ms, 0)} ms, ` +
          `of which embedding the query took ${number(answer.embedding_ms, 0)} ms` +
          (answer.partial ? "; the time was up, so some may be missing" : "")
        : "Nothing found. Other words, or another leg, may find something.");
  }

  function legend(body) {
    const node = $("legend");
    node.replaceChildren(el("span", "", "Each bar: what the legs add to the score."));
    for (const leg of body.legs) {
      const item = el("span");
      item.append(el("i", `dot ${leg}`), LEGS[leg].name);
      node.append(item);
    }
    node.hidden = false;
  }

  function hitNode(hit, answer, body) {
    const li = $("hit").content.firstElementChild.cloneNode(true);
    const part = (selector) => li.querySelector(selector);
    li.dataset.id = hit.id;
    part(".rank").textContent = `${hit.rank}.`;
    const title = hit.title || hit.id;
    part(".score").textContent = number(hit.score, 4);
    bar(part(".bar"), part(".said"), hit, answer, body);
    const spans = hit.highlights || [];
    part("h3").append(...shaded(title, hit.title ? spans.filter((s) => s.field === "title") : []));
    const text = part(".text");
    const ofText = spans.filter((s) => s.field === "text");
    if (hit.text.length > SHORT) {
      const [from, to] = window_(hit.text, ofText);
      text.append(...(from ? ["… "] : []), ...shaded(hit.text, ofText, from, to), ...(to < hit.text.length ? [" …"] : []));
      const more = part(".more");
      more.hidden = false;
      more.setAttribute("aria-label", `Show all of ${title}`);
      more.addEventListener("click", () => {
        text.replaceChildren(...shaded(hit.text, ofText));
        more.remove();
        part("article").focus();
      });
    } else {
      text.append(...shaded(hit.text, ofText));
      part(".more").remove();
    }
    tokens(part(".tokens"), hit.tokens || []);
    const meta = Object.entries(hit.metadata).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`);
    part(".meta").textContent = [`id: ${hit.id}`, ...meta].join(" · ");
    if (hit.explain) {
      part(".explanation").textContent = hit.explain;
      part(".explanation").hidden = false;
      part(".explanation").tabIndex = 0;
    }
    return li;
  }

  // The bar's length is the score against the best hit's, its parts what each leg added.
  function bar(node, said, hit, answer, body) {
    const added = (of, leg) => Math.max(0, of.legs[leg] ? of.legs[leg].contribution : 0);
    const sum = (of) => body.legs.reduce((total, leg) => total + added(of, leg), 0);
    const most = Math.max(...answer.hits.map(sum), 1e-12);
    const own = Math.max(sum(hit), 1e-12);
    const words = [];
    for (const leg of body.legs) {
      const share = added(hit, leg);
      if (share > 0) {
        const piece = el("span", `part ${leg}`);
        piece.style.flexGrow = String(share / most);
        node.append(piece);
      }
      const of = hit.legs[leg];
      words.push(`${LEGS[leg].name} ${Math.round((100 * share) / own)} %`);
      said.append(el("span", "", of ? `${LEGS[leg].name} #${of.rank} (${number(of.score, 3)})` : `${LEGS[leg].name} –`));
    }
    const rest = el("span", "rest");
    rest.style.flexGrow = String(Math.max(0, 1 - own / most));
    node.append(rest);
    node.setAttribute("aria-label", `Shares of the score: ${words.join(", ")}`);
  }

  function tokens(node, list) {
    const shown = list.slice(0, 12);
    if (!shown.length) return;
    const product = (t) => t.query_weight * t.document_weight;
    const most = Math.max(...shown.map(product));
    for (const token of shown) {
      const item = el("li", "", token.token.trim() || "␣");
      item.style.setProperty("--w", String(product(token) / most));
      item.append(el("span", "hidden", `, adds ${number(product(token), 3)}`));
      item.title = `${number(token.query_weight, 3)} in the query × ${number(token.document_weight, 3)} here`;
      node.append(item);
    }
    node.setAttribute("aria-label", "Tokens shared with the query");
    node.hidden = false;
  }

  // Where most of the weight is.
  function window_(text, spans) {
    let best = 0;
    let most = -1;
    for (const first of spans) {
      const weight = spans.reduce((sum, s) => sum + (s.start >= first.start && s.end <= first.start + SHORT * 0.8 ? s.weight : 0), 0);
      if (weight > most) { most = weight; best = first.start; }
    }
    let from = Math.max(0, Math.min(best - 60, text.length - SHORT));
    if (from > 0) from = Math.max(text.indexOf(" ", from) + 1, from);
    let to = Math.min(text.length, from + SHORT);
    if (to < text.length) to = Math.max(text.lastIndexOf(" ", to), from + SHORT / 2);
    return [from, to];
  }

  // The text in pieces; where spans overlap, the model's tokens come before words.
  function shaded(text, spans, from = 0, to = text.length) {
    const nodes = [];
    const order = [...spans].sort((a, b) => a.start - b.start || (a.by === "sparse" ? -1 : 1));
    let at = from;
    for (const span of order) {
      if (span.start < at || span.end > to) continue;
      if (span.start > at) nodes.push(document.createTextNode(text.slice(at, span.start)));
      const mark = el("mark", span.by, text.slice(span.start, span.end));
      mark.style.setProperty("--w", String(span.weight));
      mark.title = `${LEGS[span.by].name}: ${Math.round(span.weight * 100)} % of the strongest`;
      nodes.push(mark);
      at = span.end;
    }
    nodes.push(document.createTextNode(text.slice(at, to)));
    return nodes;
  }

  // ---- The server

  async function stats() {
    try {
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
      return all;
    } catch (e) {
      tell(e.message, true);
      return null;
    }
  }

  async function start() {
    const all = await stats();
    if (!all) return;
    if (!all.index) {
      $("about").textContent = `Embeddings by ${all.model.name}`;
      tell("This server has no index. Start it with luciole serve --index FOLDER to search here.");
      for (const id of ["query", "fusion", "k", "marks", "explain", "reset"]) $(id).disabled = true;
      return;
    }
    $("about").textContent = `${number(all.index.documents)} documents, ${all.model.name}`;
    canRerank = all.model.outputs.includes("colbert") && Object.keys(all.index.bytes_by_field).some((f) => f.startsWith("colbert"));
    $("rerank-set").hidden = !canRerank;
    if (!available.length) makeLegs(all.index.legs);
    $("query").value = new URL(location.href).searchParams.get("q") || "";
    search();
  }

  // ---- Events

  $("search").addEventListener("submit", (e) => { e.preventDefault(); clearTimeout(timer); search(); });
  $("query").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, 200); });
  for (const id of ["fusion", "k", "rerank", "marks", "explain"]) $(id).addEventListener("input", changed);
  $("reset").addEventListener("click", () => {
    for (const leg of available) {
      $(`leg-${leg}`).checked = true;
      $(`weight-${leg}`).value = String(LEGS[leg].weight);
    }
    $("fusion").value = "auto";
    $("k").value = "60";
    $("rerank").checked = false;
    changed();
  });
  $("key-form").addEventListener("submit", (e) => {
    e.preventDefault();
    sessionStorage.setItem("luciole-key", $("key").value);
    start();
  });
  $("server").addEventListener("toggle", () => { if ($("server").open) stats(); });
  setInterval(() => { if ($("server").open && !document.hidden) stats(); }, 3000);
  for (const text of EXAMPLES) {
    const button = el("button", "plain", text);
    button.type = "button";
    button.addEventListener("click", () => { $("query").value = text; search(); $("query").focus(); });
    $("examples").append(button);
  }
  document.addEventListener("keydown", (e) => {
    if (e.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      e.preventDefault();
      $("query").focus();
      $("query").select();
      return;
    }
    const inList = document.activeElement.closest("#hits > li");
    const fromBox = document.activeElement === $("query") && e.key === "ArrowDown";
    if ((inList || fromBox) && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
      const next = fromBox ? $("hits").firstElementChild
        : e.key === "ArrowDown" ? inList.nextElementSibling : inList.previousElementSibling;
      e.preventDefault();
      if (next) next.firstElementChild.focus();
      else if (e.key === "ArrowUp") $("query").focus();
    }
  });
  if (window.matchMedia("(max-width: 52rem)").matches) $("panel").open = false;
  start();
})();
