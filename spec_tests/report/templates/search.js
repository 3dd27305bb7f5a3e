"use strict";
// Which statements a query finds, the best match first. A reader may paste a line of code or an
// error: where no statement has all its words, those with most of them are found.

const CLOSE = 0.6; // of the best score: what is below it shares common words only
const FIRST = ["changed", "erratum"]; // of equal matches: what worked once, then what never did

/** The words between signs and spaces; a run of Chinese characters is one word. */
function wordsOf(query) {
  const spaced = query.toLowerCase().replace(/\p{Script=Han}+/gu, " $& ");
  const words = spaced.split(/[^\p{L}\p{N}_.]+/u).map((word) => word.replace(/^\.+|\.+$/g, ""));
  return words.filter(Boolean);
}

/** A word that no text has, in parts: a dotted name in its names, Chinese in known pairs. */
function known(word, texts) {
  const has = (part) => texts.some((text) => text.includes(part));
  if (has(word)) return [word];
  if (word.includes(".")) {
    return word.split(".").filter(Boolean).flatMap((part) => known(part, texts));
  }
  if (!/^\p{Script=Han}/u.test(word)) return [word];
  const pairs = [...word].slice(1).map((character, i) => word[i] + character);
  const found = pairs.filter(has);
  return found.length ? found : [word];
}

/** How much a word tells statements apart: the rarer, the more. */
function weight(word, texts) {
  const n = texts.filter((text) => text.includes(word)).length;
  return n && Math.log(1 + texts.length / n);
}

/** The statements that a query finds, in order, and whether they have all its words. */
function search(query, statements) {
  const texts = statements.map(({ text }) => text);
  const words = new Set(wordsOf(query).flatMap((word) => known(word, texts)));
  if (!words.size) return { found: statements, complete: true };
  const weights = new Map([...words].map((word) => [word, weight(word, texts)]));
  const matches = statements.map((statement) => {
    const had = [...words].filter((word) => statement.text.includes(word));
    const score = had.reduce((total, word) => total + weights.get(word), 0);
    return { statement, score, complete: had.length === words.size };
  });
  const complete = matches.some((match) => match.complete);
  const least = CLOSE * Math.max(...matches.map(({ score }) => score));
  const fitting = matches.filter((match) =>
    complete ? match.complete : match.score && match.score >= least,
  );
  fitting.sort((a, b) => b.score - a.score || place(a.statement) - place(b.statement));
  return { found: fitting.map(({ statement }) => statement), complete };
}

const place = ({ state }) => (FIRST.includes(state) ? FIRST.indexOf(state) : FIRST.length);
