"use strict";
// Filter the claims by text, lesson and state; the filters are kept in the URL. Links, copy buttons.

const form = document.getElementById("filters");
const topSearch = document.getElementById("find"); // the same search, at the top of the page
const lessons = [...document.querySelectorAll(".lesson")];
const claims = [...document.querySelectorAll(".claim")].map((node) => ({
  node,
  lesson: node.dataset.lesson,
  state: node.dataset.state,
}));
const LINE_END = " ⏎ "; // in a field of one line

let currentOrder = claims;

const linkedId = () => location.hash.slice(1); // the IDs of the page need no decoding

function readFilters() {
  const data = new FormData(form);
  return { query: data.get("q"), lesson: data.get("lesson"), states: data.getAll("state") };
}

function matchesFilters(claim, { lesson, states }) {
  return (
    (!lesson || claim.lesson === lesson) && (!states.length || states.includes(claim.state))
  );
}

let register; // made at the first search: that takes a moment

/** Return the claims that a query finds, best first, and whether they are clearly about it. */
function searchClaims(query) {
  if (!query.trim()) return { found: claims, sure: true };
  register ??= new Register(JSON.parse(document.getElementById("register").textContent));
  const text = query.replaceAll(LINE_END, "\n");
  const answers = register.search(text);
  const names = answers.length ? answers : register.closest(text);
  const nodes = new Map(claims.map((claim) => [claim.node.id, claim]));
  const found = names.map((name) => nodes.get(name)).filter(Boolean);
  return { found, sure: answers.length > 0 };
}

/** Show the claims that match the filters, and the linked claim whether it matches or not. */
function show() {
  const wanted = readFilters();
  const { found, sure } = searchClaims(wanted.query);
  const matching = found.filter((claim) => matchesFilters(claim, wanted));
  const visible = new Set(matching);
  for (const claim of claims) {
    claim.node.hidden = !(visible.has(claim) || claim.node.id === linkedId());
  }
  for (const lesson of lessons) lesson.hidden = !lesson.querySelector(".claim:not([hidden])");
  reorder([...new Set([...matching, ...claims])]);
  showCount(claims.filter(({ node }) => !node.hidden).length, sure);
}

/** Order the claims within their lessons, and the lessons by their first claim. */
function reorder(order) {
  if (order.every((claim, i) => claim === currentOrder[i])) return; // a moved node loses the focus
  currentOrder = order;
  const sections = new Set(order.map(({ node }) => node.closest(".lesson")));
  for (const { node } of order) node.closest(".lesson").append(node);
  document.getElementById("claims").append(...sections);
}

function showCount(shown, sure) {
  const name = shown ? (sure ? "shown" : "closest") : "nothing-shown";
  document.getElementById("shown").replaceChildren(bilingual(name, { shown, all: claims.length }));
}

function filterUrl() {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  return query.size ? `?${query}` : location.pathname;
}

function applyFilters() {
  topSearch.value = form.elements.q.value;
  history.replaceState(null, "", filterUrl()); // drop the hash: the reader has moved on
  show();
}

/** Set the fields of the form from a query; values that they do not offer are dropped. */
function setFilters(query) {
  const wanted = new URLSearchParams(query);
  const { q, lesson } = form.elements;
  q.value = topSearch.value = wanted.get("q") ?? "";
  lesson.value = wanted.get("lesson") ?? "";
  if (lesson.selectedIndex < 0) lesson.value = "";
  for (const box of form.querySelectorAll("[name=state]")) {
    box.checked = wanted.getAll("state").includes(box.value);
  }
}

/** Scroll to a node, twice: lessons on the way get their true heights only when they are drawn. */
function scrollToTarget(target) {
  target.scrollIntoView();
  requestAnimationFrame(() => setTimeout(() => target.scrollIntoView()));
}

/** Go to the target of the URL and open the details around it; for a lesson, reset the filters. */
function openAddress() {
  const target = document.getElementById(linkedId());
  setFilters(target?.matches(".lesson") ? "" : location.search);
  history.replaceState(null, "", filterUrl() + location.hash);
  show();
  for (let node = target; node; node = node.parentElement) {
    if (node instanceof HTMLDetailsElement) node.open = true;
  }
  if (target) scrollToTarget(target);
  else if (location.search) scrollToTarget(document.getElementById("claims"));
}

function copyButton(name, link) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.append(bilingual(name));
  button.addEventListener("click", () => copy(button, name, link));
  return button;
}

/** Copy a link or the code; select the code if the browser forbids it. Show the result. */
async function copy(button, name, link) {
  const code = button.parentElement.querySelector("code");
  if (link) location.hash = link;
  try {
    await navigator.clipboard.writeText(link ? location.href : code.textContent);
    button.replaceChildren(bilingual("copied"));
  } catch {
    if (code) getSelection().selectAllChildren(code);
    button.replaceChildren(bilingual(code ? "copy-failed" : "link-failed"));
  }
  setTimeout(() => button.replaceChildren(bilingual(name)), 2000);
}

/** Keep the lines of a pasted traceback apart. */
function pasteLines(event) {
  const text = event.clipboardData.getData("text");
  if (!/\n/.test(text)) return;
  event.preventDefault();
  const { target } = event;
  const lines = text.trim().replace(/\r?\n/g, LINE_END);
  target.setRangeText(lines, target.selectionStart, target.selectionEnd, "end");
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Apply a query and scroll to the claims. */
function applyQuery(query) {
  setFilters(query);
  applyFilters();
  document.getElementById("claims").scrollIntoView();
}

for (const code of document.querySelectorAll(".code")) code.append(copyButton("copy"));
for (const { node } of claims) {
  node.querySelector("header").append(copyButton("copy-link", `#${node.id}`));
}
for (const choice of document.querySelectorAll("a[data-filter]")) {
  choice.addEventListener("click", (event) => {
    event.preventDefault();
    applyQuery(choice.search);
  });
}
document.querySelector(".find").addEventListener("submit", (event) => {
  event.preventDefault();
  applyQuery(new URLSearchParams(new FormData(event.target)));
  form.elements.q.focus({ preventScroll: true }); // continue typing next to the results
});
for (const field of [topSearch, form.elements.q]) field.addEventListener("paste", pasteLines);
form.addEventListener("input", applyFilters);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(applyFilters)); // after the fields are reset
addEventListener("popstate", openAddress); // a link within the page, or the back button
openAddress();
