// How one hit is drawn. All text is set as text, never as HTML.

export const LEGS = {
  dense: { name: "Meaning", detail: "dense vectors" },
  sparse: { name: "Tokens", detail: "learned weights" },
  bm25: { name: "Words", detail: "BM25" },
};

/** Texts that are longer are shown in part, around what matched. */
const SHORT = 420;

export function el(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

export const number = (value, digits = 0) =>
  Number(value).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

/**
 * The list item of a hit.
 *
 * @param hit the hit
 * @param legs the legs that were searched, in order
 * @param most the largest sum of contributions of any hit, to which bars are drawn
 * @param choose called with a field and a value of its when the user wants no others
 */
export function hitNode(hit, legs, most, choose) {
  const li = document.getElementById("hit").content.firstElementChild.cloneNode(true);
  const part = (selector) => li.querySelector(selector);
  li.dataset.id = hit.id;
  part(".rank").textContent = `${hit.rank}.`;
  part(".score").textContent = `score ${number(hit.score, 4)}`;
  bar(part(".bar"), part(".said"), hit, legs, most);
  const spans = hit.highlights || [];
  const title = hit.title || hit.id;
  part("h3").append(...shaded(title, hit.title ? spans.filter((s) => s.field === "title") : []));
  showText(hit, title, spans.filter((s) => s.field === "text"), part);
  tokens(part(".tokens"), hit.tokens || []);
  metadata(part(".meta"), hit, choose);
  if (hit.explain) {
    part(".explanation").textContent = hit.explain;
    part(".explanation").hidden = false;
    part(".explanation").tabIndex = 0;
  }
  return li;
}

/** What the legs added to a hit's score, all together. */
export const contributed = (hit, legs) => legs.reduce((sum, leg) => sum + added(hit, leg), 0);

const added = (hit, leg) => Math.max(0, hit.legs[leg] ? hit.legs[leg].contribution : 0);

// The bar's length is the score against the best hit's, its parts what each leg added.
function bar(node, said, hit, legs, most) {
  const own = Math.max(contributed(hit, legs), 1e-12);
  const words = [];
  for (const leg of legs) {
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

function showText(hit, title, spans, part) {
  const text = part(".text");
  const more = part(".more");
  if (hit.text.length <= SHORT) {
    text.append(...shaded(hit.text, spans));
    more.remove();
    return;
  }
  const [from, to] = hit.passage ? within(hit.passage, hit.text) : heaviest(hit.text, spans);
  text.append(...(from ? ["… "] : []), ...shaded(hit.text, spans, from, to), ...(to < hit.text.length ? [" …"] : []));
  more.hidden = false;
  more.setAttribute("aria-label", `Show all of ${title}`);
  more.addEventListener("click", () => {
    text.replaceChildren(...shaded(hit.text, spans));
    more.remove();
    part("article").focus();
  });
}

// The best passage, cut to what is shown of a long text.
const within = (passage, text) => [passage.start, Math.min(passage.end, passage.start + 2 * SHORT, text.length)];

// Where most of the weight is.
function heaviest(text, spans) {
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

// The text in pieces that are matched by the same legs: tokens shade a piece, words underline it, and both can be.
function shaded(text, spans, from = 0, to = text.length) {
  const shown = spans.filter((s) => s.start >= from && s.end <= to);
  const ends = [...new Set([from, to, ...shown.flatMap((s) => [s.start, s.end])])].sort((a, b) => a - b);
  return ends.slice(1).map((end, i) => {
    const start = ends[i];
    const piece = text.slice(start, end);
    const by = shown.filter((s) => s.start <= start && s.end >= end);
    if (!by.length) return document.createTextNode(piece);
    const mark = el("mark", [...new Set(by.map((s) => s.by))].join(" "), piece);
    for (const span of by) mark.style.setProperty(`--${span.by}-weight`, String(span.weight));
    mark.title = by.map((s) => `${LEGS[s.by].name}: ${Math.round(s.weight * 100)} % of the strongest`).join("; ");
    return mark;
  });
}

function tokens(node, list) {
  const shown = list.slice(0, 12);
  if (!shown.length) return;
  const product = (t) => t.query_weight * t.document_weight;
  const most = Math.max(...shown.map(product));
  for (const token of shown) {
    const item = el("li", "", token.token.trim() || "␣");
    item.style.setProperty("--sparse-weight", String(product(token) / most));
    item.append(el("span", "hidden", `, adds ${number(product(token), 3)}`));
    item.title = `${number(token.query_weight, 3)} in the query × ${number(token.document_weight, 3)} here`;
    node.append(item);
  }
  node.setAttribute("aria-label", "Tokens shared with the query");
  node.hidden = false;
}

// Plain values are buttons that ask for these values alone.
function metadata(node, hit, choose) {
  node.append(el("span", "", `id: ${hit.id}`));
  for (const [name, value] of Object.entries(hit.metadata)) {
    const values = Array.isArray(value) ? value : [value];
    if (values.some((v) => typeof v === "object" || String(v).length > 60)) {
      node.append(el("span", "", `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`));
      continue;
    }
    for (const v of values) {
      const button = el("button", "plain value", `${name}: ${v}`);
      button.type = "button";
      button.title = `Only documents with ${name}: ${v}`;
      button.addEventListener("click", () => choose(name, v));
      node.append(button);
    }
  }
}
