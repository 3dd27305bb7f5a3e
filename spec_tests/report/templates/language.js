"use strict";
// Switch between English and Chinese: the reader's last choice, otherwise the language of the
// browser. The page contains both; its style sheet hides the texts that are not in the language
// of <html>.

const LANGUAGES = { en: "en", zh: "zh-CN" };
const STRINGS = JSON.parse(document.getElementById("strings").textContent);

function storedLanguage() {
  try {
    return localStorage.getItem("language");
  } catch {
    return null; // storage is disabled
  }
}

function storeLanguage(language) {
  try {
    localStorage.setItem("language", language);
  } catch {
    // storage is disabled: the choice lasts until the page is closed
  }
}

function setLanguage(language) {
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

function preferredLanguage() {
  const last = storedLanguage();
  if (last in LANGUAGES) return last;
  return navigator.language.startsWith("zh") ? "zh" : "en";
}

/** Return a text of strings.toml in both languages, with values inserted. */
function bilingual(name, values = {}) {
  const nodes = document.createDocumentFragment();
  for (const [language, tag] of Object.entries(LANGUAGES)) {
    const span = document.createElement("span");
    span.lang = tag;
    span.textContent = STRINGS[name][language].replace(/\{(\w+)\}/g, (_, key) => values[key]);
    nodes.append(span);
  }
  return nodes;
}

setLanguage(preferredLanguage()); // before the first paint
document.addEventListener("DOMContentLoaded", () => {
  setLanguage(preferredLanguage());
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => {
      storeLanguage(button.dataset.language);
      setLanguage(button.dataset.language);
    });
  }
});
