"use strict";
// Find the claims that explain a text: a traceback, a message, a line of code, a question. The same
// as reference/explainer/{search,printed,words}.py, which explain why; a test compares the two.

const MAX_TEXT = 20000;
const MAX_EXCEPTIONS = 10;
const MIN_LENGTH = 12;
const MIN_RELEVANCE = 5.5;
const MIN_RELEVANCE_OF_ERROR = 30;
const MIN_SHARE = 0.5;
const OTHER =
  /多少钱|价格|价钱|性价比|[买贵￥¥]|便宜|\b(?:buy|cheap|price of)\b|command not found|未找到命令|不是内部或外部命令|is not recognized as an internal/;
const MISPRINT = 0.8;
const SYMBOLS =
  /\\[dDwWsSbBnt]|\[\^?(?:[^\\\]]|\\.)+\]|\(\?[:=!]|\{\d+,?\d*\}|\\|[.*+?()|^$]/g;

const TYPE =
  /(?<![\w.])((?:[A-Za-z_]\w*\.)*)([A-Za-z_]\w*(?:Error|Exception|Warning|Interrupt|Exit|Iteration)|(?<=\.)error)(?=[ \t]*(?::|：|$))[ \t]*[:：]?/gm;
const END = /\n(?=Traceback \(|Original Traceback|During handling|The above exception|[ \t]*File ")/;
const FRAME = /^[ \t]*File "([^"\n]+)", line \d+.*\n[ \t]+(.+)$/gm;
const LIBRARY = /site-packages|dist-packages|[\\/]lib[\\/]|<frozen/i;
const CELL = /^-+> ?\d+ (.+)$/m;
const PUNCTUATION = new Map(
  [..."：，；！？（）【】“”‘’`´\u3000\xa0"].map((mark, i) => [mark, ":,;!?()[]\"\"''''  "[i]]),
);

const COLOUR = /\x1b\[[0-9;]*m/g;

const CHUNK =
  /[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*|[0-9]+[A-Za-z0-9]*|[\u4e00-\u9fff]+/g;
const PIECE = /[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+/g;
const ENDING = /^([a-z]{3,}?)(?:ings?|ed|es|e|(?<!s)s)$/;
const COMMON = new RegExp(
  "^(?:a|an|and|are|as|at|be|but|by|can|do|does|from|get|has|have|how|if|in|is|it|me|my|no|not" +
    "|of|on|or|so|that|the|then|there|this|to|was|we|what|when|where|which|why|with|you|your" +
    "|hello|hi|hey|thank|thanks|please|much|many" +
    "|def|for|import|print|range|return|.|[0-9]{2}" +
    "|(attribute|import|index|key|name|os|runtime|type|value)?error|exception|(user)?warning)$",
);
const COMMON_CHINESE =
  /为什么|怎么办|怎么样|怎么用|怎么|怎样|如何|有什么用|什么|是不是|请问|求助|报错|出现|问题|解决|多少|哪个|哪些|哪里|有没有|能不能|你好|您好|谢谢|大家|老师|一个|没有|可以|区别|作用|意思|[的了吗呢啊吧是在我你他]/;
const SYNONYMS = {
  准确率: "正确率",
  精度: "正确率",
  模型: "网络",
  图像: "图片",
  照片: "图片",
  清零: "归零",
  权重: "参数",
  尺寸: "大小",
  目录: "文件夹",
};
const K1 = 1.2;
const B = 0.75;

/** Return the exceptions in a text, in its order, each with its type and message. */
function exceptions(text) {
  const found = [...text.matchAll(TYPE)];
  return found.map((match, i) => {
    const rest = text.slice(match.index + match[0].length, found[i + 1]?.index);
    return { type: match[2], message: rest.split(END)[0].trim() };
  });
}

/** Return the learner's own last line in a traceback, or of the cell in a notebook's. */
function ownCode(text) {
  const own = [...text.matchAll(FRAME)].filter(([, path]) => !LIBRARY.test(path));
  return (own.at(-1)?.[2] ?? text.match(CELL)?.[1] ?? "").trim();
}

/** Return a text with ASCII punctuation and single spaces. */
function plain(text) {
  const marks = [...text].map((character) => PUNCTUATION.get(character) ?? character).join("");
  return marks.split(/\s+/).filter(Boolean).join(" ");
}

/** Return the terms of a name, a number or a run of Chinese. */
function terms(chunk) {
  if (chunk >= "\u4e00") return runs(chunk).flatMap(pairs);
  const names = chunk.split(".");
  const found = names.slice(1).map((name, i) => `${names[i]}.${name}`);
  for (const name of names) {
    if (COMMON.test(name.toLowerCase())) continue;
    const pieces = name.match(PIECE) ?? [];
    found.push(name, ...(pieces.length > 1 ? pieces : []));
  }
  const words = found.map((word) => word.toLowerCase());
  return words
    .filter((word) => !COMMON.test(word))
    .map((word) => word.replace(ENDING, "$1"));
}

/** Return the parts of a run of Chinese between common words, in the words of the claims. */
function runs(chunk) {
  const known = Object.entries(SYNONYMS).reduce(
    (text, [word, synonym]) => text.replaceAll(word, synonym),
    chunk,
  );
  return known.split(COMMON_CHINESE);
}

function pairs(run) {
  return run.length === 1 ? [run] : [...run].slice(1).map((character, i) => run[i] + character);
}

function count(words) {
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function chunks(text) {
  return text.match(CHUNK) ?? [];
}

function total(numbers) {
  return numbers.reduce((reached, number) => reached + number, 0);
}

/** An index of texts, ranked by Okapi BM25. */
class Words {
  constructor(texts, factors) {
    this.factors = factors;
    this.counts = texts.map((text) => count(chunks(text).flatMap(terms)));
    this.foundIn = count(this.counts.flatMap((counts) => [...counts.keys()]));
    const lengths = this.counts.map((counts) => total([...counts.values()]));
    const mean = total(lengths) / lengths.length;
    this.norms = lengths.map((length) => K1 * (1 - B + (B * length) / mean));
  }

  rank(query) {
    const { known, unknown } = this.#terms(query);
    const weights = new Map(known.map((term) => [term, this.#weight(term)]));
    const whole = total([...weights.values()]) + unknown * this.#weight("");
    const found = [];
    for (const [index, counts] of this.counts.entries()) {
      let score = 0;
      let covered = 0;
      for (const [term, weight] of weights) {
        const times = counts.get(term);
        if (!times) continue;
        score += (weight * times * (K1 + 1)) / (times + this.norms[index]);
        covered += weight;
      }
      if (!score) continue;
      score *= this.factors[index];
      found.push({ index, score, relevance: (score * covered) / whole });
    }
    return found.sort((a, b) => b.score - a.score);
  }

  #weight(term) {
    const number = this.foundIn.get(term) ?? 0;
    return Math.log(1 + (this.counts.length - number + 0.5) / (number + 0.5));
  }

  #terms(query) {
    const known = new Set();
    let unknown = 0;
    for (const chunk of new Set(chunks(query))) {
      const has = terms(chunk).filter((term) => this.foundIn.has(term));
      for (const term of has) known.add(term);
      if (chunk >= "\u4e00") unknown += uncovered(chunk, has) / 2;
      else if (terms(chunk).length && !has.length) unknown += 1;
    }
    return { known: [...known], unknown };
  }
}

/** Return how many characters of a run of Chinese are in none of the pairs. */
function uncovered(chunk, has) {
  const covered = has.join("");
  const rest = runs(chunk).join("");
  return [...rest].filter((character) => !covered.includes(character)).length;
}

/** The claims of reference/claims.json. */
class Register {
  constructor({ claims, lessons }) {
    const titles = new Map(lessons.map(({ id, en, zh }) => [id, [en, zh]]));
    this.claims = claims.map((claim) => ({ ...claim, errors: claim.errors ?? [] }));
    this.words = new Words(
      this.claims.map((claim) => claimText(claim, titles.get(claim.lesson)).join("\n")),
      this.claims.map(({ id }) => (id.startsWith("listing.") ? MISPRINT : 1)),
    );
  }

  /** Return the IDs of the claims that explain a text, best first. */
  search(text) {
    const end = text.replaceAll(COLOUR, "").replaceAll("\r\n", "\n").slice(-MAX_TEXT);
    const found = this.#byErrors(end);
    return (found.length ? found : this.#byWords(end)).map(({ id }) => id);
  }

  /** Return the IDs of the claims that share the most words with a text, even if these are few. */
  closest(text) {
    return this.#best(this.words.rank(text)).map(({ index }) => this.claims[index].id);
  }

  #byErrors(text) {
    const last = exceptions(text).slice(-MAX_EXCEPTIONS).reverse();
    const messages = [...last, { type: "", message: text }].map(({ type, message }) => ({
      type,
      variants: [...new Set([message, plain(message)])],
    }));
    const [own, scores] = [ownCode(text), text].map(
      (words) => new Map(this.words.rank(words).map(({ index, score }) => [index, score])),
    );
    const found = [];
    for (const [index, claim] of this.claims.entries()) {
      const keys = claim.errors.flatMap((error) => matches(error, messages)).sort(compare);
      if (!keys.length) continue;
      const shared = -(own.get(index) ?? 0);
      const key = [...keys[0], shared, Number(claim.status === "holds"), -(scores.get(index) ?? 0)];
      found.push({ claim, key });
    }
    return found.sort((a, b) => compare(a.key, b.key)).map(({ claim }) => claim);
  }

  #byWords(text) {
    const last = exceptions(text).at(-1);
    if (!last && OTHER.test(text)) return [];
    const query = last ? [last.type, last.message, ownCode(text)].join("\n") : text;
    const least = last ? MIN_RELEVANCE_OF_ERROR : MIN_RELEVANCE;
    return this.#best(this.words.rank(query))
      .filter(({ relevance }) => relevance >= least)
      .map(({ index }) => this.claims[index]);
  }

  #best(ranked) {
    return ranked.filter(({ score }) => score >= MIN_SHARE * ranked[0].score);
  }
}

function claimText({ id, says, zh, now, now_zh, write, errors }, titles) {
  const messages = errors.map(({ type, pattern }) => `${type} ${pattern.replace(SYMBOLS, " ")}`);
  return [id, ...titles, says, zh, now ?? "", now_zh ?? "", write ?? "", ...messages];
}

/** Return a key for each message that an error's pattern is found in; the least is best. */
function matches({ type, pattern, length }, messages) {
  const regex = new RegExp(pattern, "m");
  return messages.flatMap((message, place) => {
    const other = message.type !== type;
    if (other && length < MIN_LENGTH) return [];
    const found = message.variants.some((variant) => regex.test(variant));
    return found ? [[place, Number(other), -length]] : [];
  });
}

/** Compare two lists of numbers of the same length. */
function compare(one, other) {
  const i = one.findIndex((number, index) => number !== other[index]);
  return i < 0 ? 0 : one[i] - other[i];
}
