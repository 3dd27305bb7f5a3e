"use strict";
// Full-text search over the claims, best match first. A reader may paste a line of code or an error
// message: if no claim contains all its words, those that contain most of them are found.

const MIN_SHARE = 0.6; // of the best score; matches below it share only common words
const STATE_ORDER = ["changed", "erratum"]; // among equal scores; the other states follow

/** Split at spaces and punctuation; a run of Chinese characters is one word. */
function splitWords(query) {
  const spaced = query.toLowerCase().replace(/\p{Script=Han}+/gu, " $& ");
  const words = spaced.split(/[^\p{L}\p{N}_.]+/u).map((word) => word.replace(/^\.+|\.+$/g, ""));
  return words.filter(Boolean);
}

/** Split a word that no text contains: a dotted name at its dots, Chinese into known pairs. */
function knownParts(word, texts) {
  const has = (part) => texts.some((text) => text.includes(part));
  if (has(word)) return [word];
  if (word.includes(".")) {
    return word.split(".").filter(Boolean).flatMap((part) => knownParts(part, texts));
  }
  if (!/^\p{Script=Han}/u.test(word)) return [word];
  const pairs = [...word].slice(1).map((character, i) => word[i] + character);
  const found = pairs.filter(has);
  return found.length ? found : [word];
}

/** Return the weight of a word: the fewer texts contain it, the higher. */
function weight(word, texts) {
  const n = texts.filter((text) => text.includes(word)).length;
  return n && Math.log(1 + texts.length / n);
}

/** Return the claims that match a query, in order, and whether they contain all its words. */
function search(query, claims) {
  const texts = claims.map(({ text }) => text);
  const words = new Set(splitWords(query).flatMap((word) => knownParts(word, texts)));
  if (!words.size) return { found: claims, complete: true };
  const weights = new Map([...words].map((word) => [word, weight(word, texts)]));
  const matches = claims.map((claim) => {
    const contained = [...words].filter((word) => claim.text.includes(word));
    const score = contained.reduce((total, word) => total + weights.get(word), 0);
    return { claim, score, complete: contained.length === words.size };
  });
  const complete = matches.some((match) => match.complete);
  const minScore = MIN_SHARE * Math.max(...matches.map(({ score }) => score));
  const selected = matches.filter((match) =>
    complete ? match.complete : match.score && match.score >= minScore,
  );
  selected.sort((a, b) => b.score - a.score || stateOrder(a.claim) - stateOrder(b.claim));
  return { found: selected.map(({ claim }) => claim), complete };
}

function stateOrder({ state }) {
  return STATE_ORDER.includes(state) ? STATE_ORDER.indexOf(state) : STATE_ORDER.length;
}
