"use strict";
// Which claims are shown: by text, lesson and state, kept in the address; links and copies.

const form = document.getElementById("filters");
const lessons = [...document.querySelectorAll(".lesson")];
const claims = [...document.querySelectorAll(".claim")].map((node) => ({
  node,
  lesson: node.dataset.lesson,
  state: node.dataset.state,
  text: searched(node),
}));

function searched(node) {
  const parts = [...node.querySelectorAll("[data-searched]")];
  return parts.map((part) => part.textContent).join("\n").toLowerCase();
}

const linked = () => location.hash.slice(1); // our IDs need no decoding

function filters() {
  const data = new FormData(form);
  return {
    words: data.get("q").toLowerCase().split(/\s+/).filter(Boolean),
    lesson: data.get("lesson"),
    states: data.getAll("state"),
  };
}

function fits(claim, { words, lesson, states }) {
  return (
    (!lesson || claim.lesson === lesson) &&
    (!states.length || states.includes(claim.state)) &&
    words.every((word) => claim.text.includes(word))
  );
}

/** Show what fits, and the claim that the address names whatever the filters say. */
function show() {
  const wanted = filters();
  let shown = 0;
  for (const claim of claims) {
    claim.node.hidden = !(fits(claim, wanted) || claim.node.id === linked());
    shown += !claim.node.hidden;
  }
  for (const lesson of lessons) lesson.hidden = !lesson.querySelector(".claim:not([hidden])");
  const count = document.getElementById("shown");
  count.replaceChildren(both(shown ? "shown" : "nothing-shown", { shown, all: claims.length }));
}

function address() {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  return query.size ? `?${query}` : location.pathname;
}

function filter() {
  history.replaceState(null, "", address()); // the hash goes: the reader has moved on
  show();
}

function fill(query) {
  const wanted = new URLSearchParams(query);
  form.elements.q.value = wanted.get("q") ?? "";
  form.elements.lesson.value = wanted.get("lesson") ?? "";
  for (const box of form.querySelectorAll("[name=state]")) {
    box.checked = wanted.getAll("state").includes(box.value);
  }
}

/** Go to what the address names, through closed disclosures and filters. */
function arrive() {
  const target = document.getElementById(linked());
  show();
  if (!target) return;
  if (target.closest("[hidden]")) {
    fill("");
    show();
  }
  for (let node = target; node; node = node.parentElement) {
    if (node instanceof HTMLDetailsElement) node.open = true;
  }
  target.scrollIntoView();
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
});
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(filter)); // once the fields are empty
addEventListener("hashchange", arrive);
fill(location.search);
arrive();
