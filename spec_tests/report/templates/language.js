"use strict";
// English or Chinese: what the reader chose last, or else what the browser prefers. The page
// holds both; its style sheet hides what is not in the language of <html>.

const LANGUAGES = { en: "en", zh: "zh-CN" };
const STRINGS = JSON.parse(document.getElementById("strings").textContent);

function remembered() {
  try {
    return localStorage.getItem("language");
  } catch {
    return null; // the reader forbids it
  }
}

function remember(language) {
  try {
    localStorage.setItem("language", language);
  } catch {
    // as above: the choice holds until the page is left
  }
}

function speak(language) {
  document.documentElement.lang = LANGUAGES[language];
  document.title = STRINGS.title[language];
  for (const node of document.querySelectorAll("[data-zh]")) {
    if (node.dataset.attribute) node.setAttribute(node.dataset.attribute, node.dataset[language]);
    else node.textContent = node.dataset[language];
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", button.dataset.language === language);
  }
}

function chosen() {
  const last = remembered();
  if (last in LANGUAGES) return last;
  return navigator.language.startsWith("zh") ? "zh" : "en";
}

/** The text of strings.toml in both languages, with values filled in. */
function both(name, values = {}) {
  const nodes = document.createDocumentFragment();
  for (const [language, tag] of Object.entries(LANGUAGES)) {
    const span = document.createElement("span");
    span.lang = tag;
    span.textContent = STRINGS[name][language].replace(/\{(\w+)\}/g, (_, key) => values[key]);
    nodes.append(span);
  }
  return nodes;
}

speak(chosen()); // before anything is drawn
document.addEventListener("DOMContentLoaded", () => {
  speak(chosen());
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => {
      remember(button.dataset.language);
      speak(button.dataset.language);
    });
  }
});
