"use strict";
// Convolution and pooling as grids: a chosen cell of the output shows the window it comes from.
// A case is drawn when its disclosure is first opened.

const CASES = JSON.parse(document.getElementById("cases").textContent);
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  node.className = className;
  node.append(...children);
  return node;
}

/** A plane as a table under a name; `cell(row, column)` makes its cells. */
function table(name, rows, columns, cell) {
  const body = rows.map((y) => element("tr", "", ...columns.map((x) => cell(y, x))));
  const caption = name.length ? element("caption", "", ...name) : "";
  return element("table", "plane", caption, element("tbody", "", ...body));
}

/** A plane of given numbers; `mark(cell, row, column)` adds what its cells are found by. */
function matrix(name, plane, mark = () => {}) {
  return table(name, range(plane.length), range(plane[0].length), (y, x) => {
    const cell = element("td", "", shown(number(plane[y][x])));
    mark(cell, y, x);
    return cell;
  });
}

/** The planes of a tensor, side by side. */
function operand(name, tables) {
  const caption = element("figcaption", "", both(name));
  return element("figure", "operand", caption, element("div", "planes", ...tables));
}

/** Image and channel of a plane, as far as there are several to tell apart, each with a comma. */
function nameOf({ shape }, image, channel) {
  const name = [];
  if (shape.length === 4 && shape[0] > 1) name.push(both("grid-image", { n: image }), both("grid-comma"));
  if (shape.at(-3) > 1) name.push(both("grid-channel", { n: channel }), both("grid-comma"));
  return name;
}

/** A table for each plane of a tensor, from `drawn(name, plane, image, channel)`. */
function eachPlane(tensor, drawn) {
  return images(tensor).flatMap((channels, image) =>
    channels.map((plane, channel) =>
      drawn(nameOf(tensor, image, channel).slice(0, -1), plane, image, channel),
    ),
  );
}

function drawInput(figure) {
  const [rows, columns] = figure.axes.map(extent);
  const draw = (name, plane, image, channel) =>
    table(name, rows, columns, (y, x) => {
      const { kind, value } = cellAt(figure, plane, y, x);
      const cell = element("td", kind, value === null ? "" : shown(value));
      figure.cells.set([image, channel, y, x].join(), cell);
      return cell;
    });
  return operand("grid-input", eachPlane(figure.inputs.input, draw));
}

function drawKernel({ shape, data }) {
  const tables = data.flatMap((channels, o) =>
    channels.map((plane, i) => {
      const drawn = matrix(shape[0] * shape[1] > 1 ? [both("grid-kernel", { o, i })] : [], plane);
      drawn.dataset.output = o;
      return drawn;
    }),
  );
  return operand("grid-weight", tables);
}

function drawBias({ data }) {
  const row = matrix([], [data], (cell, _, o) => (cell.dataset.output = o));
  return operand("grid-bias", [row]);
}

function drawOutput(name, tensor) {
  const draw = (title, plane, image, channel) =>
    matrix(title, plane, (cell, y, x) => (cell.dataset.at = [image, channel, y, x].join()));
  return operand(`grid-${name}`, eachPlane(tensor, draw));
}

function makeChoosable(figure, output) {
  const choices = [...output.querySelectorAll("td")];
  output.classList.add("choosable");
  for (const grid of output.querySelectorAll("table")) grid.setAttribute("role", "grid");
  for (const cell of choices) cell.setAttribute("role", "gridcell");
  output.addEventListener("click", ({ target }) => {
    if (target.dataset.at) choose(figure, target).focus();
  });
  output.addEventListener("pointerover", ({ target, pointerType }) => {
    if (pointerType === "mouse" && target.dataset.at) choose(figure, target);
  });
  output.addEventListener("keydown", (event) => {
    const next = neighbour(choices, event.target, event.key);
    if (!next) return;
    event.preventDefault();
    choose(figure, next).focus();
  });
}

/** The cell that a key leads to: the next one of the plane, or at its edge of the next plane. */
function neighbour(choices, cell, key) {
  if (!(key in STEPS)) return undefined;
  const [image, channel, y, x] = cell.dataset.at.split(",").map(Number);
  const [dy, dx] = STEPS[key];
  const at = [image, channel, y + dy, x + dx].join();
  const inPlane = choices.find((choice) => choice.dataset.at === at);
  return inPlane ?? choices[choices.indexOf(cell) + dy + dx];
}

/** Show where a cell of the output comes from; return the cell. */
function choose(figure, cell) {
  const [image, channel, row, column] = cell.dataset.at.split(",").map(Number);
  const window = windowOf(figure, image, channel, row, column);
  const result = RESULTS[figure.operator](figure, window, channel);
  highlight(figure, "window", image, window);
  highlight(figure, "best", image, result.best ? [result.best] : []);
  for (const part of figure.node.querySelectorAll("[data-output]")) {
    part.classList.toggle("used", Number(part.dataset.output) === channel);
  }
  markChosen(figure, cell);
  const output = figure.expected.output;
  const printed = number(images(output)[image][channel][row][column]);
  const where = [...nameOf(output, image, channel), both("grid-cell", { row, column })];
  figure.words.replaceChildren(...inWords(figure, result, where, printed));
  return cell;
}

function highlight(figure, className, image, cells) {
  for (const cell of figure.cells.values()) cell.classList.remove(className);
  for (const { channel, y, x } of cells) {
    figure.cells.get([image, channel, y, x].join()).classList.add(className);
  }
}

/** The keyboard reaches the chosen cell only; from there the arrow keys go on. */
function markChosen(figure, cell) {
  for (const other of figure.node.querySelectorAll("[data-at]")) {
    const chosen = other.dataset.at === cell.dataset.at;
    other.classList.toggle("chosen", chosen);
    if (!other.closest(".choosable")) continue;
    other.tabIndex = chosen ? 0 : -1;
    other.setAttribute("aria-selected", chosen);
  }
}

function inWords(figure, { value, formula, divisor, best }, where, printed) {
  const total = `${formula} ${value === printed ? "=" : "≈"} ${shown(printed)}`;
  const lines = [element("p", "", ...where, element("span", "formula", total))];
  if (divisor) {
    const given = figure.parameters.divisor_override;
    const words = both(given ? "grid-divisor-given" : "grid-divisor", { n: divisor });
    lines.push(element("p", "", words));
  }
  if (best && figure.expected.indices) {
    const width = figure.axes[1].size;
    const values = { row: best.y, width, column: best.x, index: best.y * width + best.x };
    lines.push(element("p", "index", both("grid-index", values)));
  }
  return lines;
}

/** What the cells that are drawn mean. */
function legend(drawn) {
  const kinds = ["window", "padding", "beyond"];
  const needed = kinds.filter((kind) => drawn.querySelector(`td.${kind}`));
  const entries = needed.map((kind) =>
    element("li", "", element("span", `swatch ${kind}`), both(`grid-legend-${kind}`)),
  );
  return element("ul", "legend", ...entries);
}

function draw(details) {
  const node = details.querySelector(".drawing");
  if (node.hasChildNodes()) return;
  const figure = { ...CASES[details.dataset.key], node, cells: new Map() };
  const { inputs, expected } = figure;
  figure.axes = [axisOf(figure, 0), axisOf(figure, 1)];
  figure.words = element("div", "words");
  figure.words.setAttribute("aria-live", "polite");
  const output = drawOutput("output", expected.output);
  makeChoosable(figure, output);
  const operands = element("div", "operands", drawInput(figure));
  if (inputs.weight) operands.append(drawKernel(inputs.weight));
  if (inputs.bias) operands.append(drawBias(inputs.bias));
  operands.append(output);
  if (expected.indices) operands.append(drawOutput("indices", expected.indices));
  node.append(operands, figure.words, element("p", "how", both("grid-how")));
  choose(figure, output.querySelector("td"));
  operands.after(legend(operands));
}

for (const details of document.querySelectorAll("details[data-key]")) {
  details.addEventListener("toggle", () => details.open && draw(details));
  if (details.open) draw(details);
}
