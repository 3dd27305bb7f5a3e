"use strict";
// Which claims are shown: by text, lesson and state, kept in the address; links and copies.

const form = document.getElementById("filters");
const find = document.getElementById("find"); // the same search, at the top of the page
const lessons = [...document.querySelectorAll(".lesson")];
const claims = [...document.querySelectorAll(".claim")].map((node) => ({
  node,
  lesson: node.dataset.lesson,
  state: node.dataset.state,
  text: searched(node),
}));

function searched(node) {
  const title = node.closest(".lesson").querySelector("h3 [data-searched]");
  const parts = [title, ...node.querySelectorAll("[data-searched]")];
  return parts.map((part) => part.textContent).join("\n").toLowerCase();
}

let arranged = claims;

const linked = () => location.hash.slice(1); // our IDs need no decoding

function filters() {
  const data = new FormData(form);
  return { query: data.get("q"), lesson: data.get("lesson"), states: data.getAll("state") };
}

function fits(claim, { lesson, states }) {
  return (
    (!lesson || claim.lesson === lesson) && (!states.length || states.includes(claim.state))
  );
}

/** Show what fits, and the claim that the address names whatever the filters say. */
function show() {
  const wanted = filters();
  const fitting = claims.filter((claim) => fits(claim, wanted));
  const { found, complete } = search(wanted.query, fitting);
  const chosen = new Set(found);
  for (const claim of claims) {
    claim.node.hidden = !(chosen.has(claim) || claim.node.id === linked());
  }
  for (const lesson of lessons) lesson.hidden = !lesson.querySelector(".claim:not([hidden])");
  arrange([...new Set([...found, ...claims])]);
  tell(claims.filter(({ node }) => !node.hidden).length, complete);
}

/** Put the claims in an order within their lessons, and each lesson where its first claim is. */
function arrange(order) {
  if (order.every((claim, i) => claim === arranged[i])) return; // a moved node loses the focus
  arranged = order;
  const sections = new Set(order.map(({ node }) => node.closest(".lesson")));
  for (const { node } of order) node.closest(".lesson").append(node);
  document.getElementById("claims").append(...sections);
}

function tell(shown, complete) {
  const name = shown ? (complete ? "shown" : "closest") : "nothing-shown";
  document.getElementById("shown").replaceChildren(both(name, { shown, all: claims.length }));
}

function address() {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  return query.size ? `?${query}` : location.pathname;
}

function filter() {
  find.value = form.elements.q.value;
  history.replaceState(null, "", address()); // the hash goes: the reader has moved on
  show();
}

/** Fill the fields from a query; what they do not offer is dropped. */
function fill(query) {
  const wanted = new URLSearchParams(query);
  const { q, lesson } = form.elements;
  q.value = find.value = wanted.get("q") ?? "";
  lesson.value = wanted.get("lesson") ?? "";
  if (lesson.selectedIndex < 0) lesson.value = "";
  for (const box of form.querySelectorAll("[name=state]")) {
    box.checked = wanted.getAll("state").includes(box.value);
  }
}

/** Scroll there, and again once the lessons on the way, whose heights were guesses, are laid out. */
function reach(target) {
  target.scrollIntoView();
  requestAnimationFrame(() => setTimeout(() => target.scrollIntoView()));
}

/** Go to what the address names, through closed disclosures; a lesson is shown whole. */
function arrive() {
  const target = document.getElementById(linked());
  fill(target?.matches(".lesson") ? "" : location.search);
  history.replaceState(null, "", address() + location.hash);
  show();
  for (let node = target; node; node = node.parentElement) {
    if (node instanceof HTMLDetailsElement) node.open = true;
  }
  if (target) reach(target);
  else if (location.search) reach(document.getElementById("claims"));
}

function copyButton(name, link) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.append(both(name));
  button.addEventListener("click", () => copy(button, name, link));
  return button;
}

/** Copy; where the browser forbids it, select instead. Then say so on the button. */
async function copy(button, name, link) {
  const code = button.parentElement.querySelector("code");
  if (link) location.hash = link;
  try {
    await navigator.clipboard.writeText(link ? location.href : code.textContent);
    button.replaceChildren(both("copied"));
  } catch {
    if (code) getSelection().selectAllChildren(code);
    button.replaceChildren(both(code ? "copy-failed" : "link-failed"));
  }
  setTimeout(() => button.replaceChildren(both(name)), 2000);
}

/** Go to the claims that a query chooses. */
function present(query) {
  fill(query);
  filter();
  document.getElementById("claims").scrollIntoView();
}

for (const code of document.querySelectorAll(".code")) code.append(copyButton("copy"));
for (const { node } of claims) {
  node.querySelector("header").append(copyButton("copy-link", `#${node.id}`));
}
for (const choice of document.querySelectorAll("a[data-filter]")) {
  choice.addEventListener("click", (event) => {
    event.preventDefault();
    present(choice.search);
  });
}
document.querySelector(".find").addEventListener("submit", (event) => {
  event.preventDefault();
  present(new URLSearchParams(new FormData(event.target)));
  form.elements.q.focus({ preventScroll: true }); // further letters go where the results are
});
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(filter)); // once the fields are empty
addEventListener("popstate", arrive); // a link within the page, or back
arrive();
