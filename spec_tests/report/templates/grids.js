"use strict";
// Draw convolution and pooling as grids: selecting a cell of the output highlights its window.
// A case is drawn when its <details> is first opened.

const CASES = JSON.parse(document.getElementById("cases").textContent);
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  node.className = className;
  node.append(...children);
  return node;
}

/** Return a plane as a table with a caption; `cell(row, column)` creates its cells. */
function table(name, rows, columns, cell) {
  const body = rows.map((y) => element("tr", "", ...columns.map((x) => cell(y, x))));
  const caption = name.length ? element("caption", "", ...name) : "";
  return element("table", "plane", caption, element("tbody", "", ...body));
}

/** Return a table of numbers; `mark(cell, row, column)` adds data attributes to its cells. */
function matrix(name, plane, mark = () => {}) {
  return table(name, range(plane.length), range(plane[0].length), (y, x) => {
    const cell = element("td", "", formatNumber(number(plane[y][x])));
    mark(cell, y, x);
    return cell;
  });
}

/** Return the planes of a tensor, side by side. */
function operand(name, tables) {
  const caption = element("figcaption", "", bilingual(name));
  return element("figure", "operand", caption, element("div", "planes", ...tables));
}

/** Return the image and the channel of a plane, each only if there are several. */
function planeName({ shape }, image, channel) {
  const name = [];
  if (shape.length === 4 && shape[0] > 1) name.push(bilingual("grid-image", { n: image }));
  if (shape.at(-3) > 1) name.push(bilingual("grid-channel", { n: channel }));
  return name;
}

/** Return nodes with commas between them. */
function joined(nodes) {
  return nodes.flatMap((node, i) => (i ? [bilingual("grid-comma"), node] : [node]));
}

/** Return a table for each plane of a tensor, made by `draw(name, plane, image, channel)`. */
function drawPlanes(tensor, draw) {
  return images(tensor).flatMap((channels, image) =>
    channels.map((plane, channel) =>
      draw(joined(planeName(tensor, image, channel)), plane, image, channel),
    ),
  );
}

function drawInput(figure) {
  const [rows, columns] = figure.axes.map(extent);
  const draw = (name, plane, image, channel) =>
    table(name, rows, columns, (y, x) => {
      const { kind, value } = cellAt(figure, plane, y, x);
      const cell = element("td", kind, value === null ? "" : formatNumber(value));
      figure.cells.set([image, channel, y, x].join(), cell);
      return cell;
    });
  return operand("grid-input", drawPlanes(figure.inputs.input, draw));
}

function drawKernel({ shape, data }) {
  const tables = data.flatMap((channels, o) =>
    channels.map((plane, i) => {
      const name = shape[0] * shape[1] > 1 ? [bilingual("grid-kernel", { o, i })] : [];
      const node = matrix(name, plane);
      node.dataset.output = o;
      return node;
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
  return operand(`grid-${name}`, drawPlanes(tensor, draw));
}

function makeSelectable(figure, output) {
  const cells = [...output.querySelectorAll("td")];
  output.classList.add("selectable");
  for (const grid of output.querySelectorAll("table")) grid.setAttribute("role", "grid");
  for (const cell of cells) cell.setAttribute("role", "gridcell");
  output.addEventListener("click", ({ target }) => {
    if (target.dataset.at) select(figure, target).focus();
  });
  output.addEventListener("pointerover", ({ target, pointerType }) => {
    if (pointerType === "mouse" && target.dataset.at) select(figure, target);
  });
  output.addEventListener("keydown", (event) => {
    const next = neighbour(cells, event.target, event.key);
    if (!next) return;
    event.preventDefault();
    select(figure, next).focus();
  });
}

/** Return the cell that an arrow key leads to; at the edge of a plane, one of the next plane. */
function neighbour(cells, cell, key) {
  if (!(key in STEPS)) return undefined;
  const [image, channel, y, x] = cell.dataset.at.split(",").map(Number);
  const [dy, dx] = STEPS[key];
  const at = [image, channel, y + dy, x + dx].join();
  const inPlane = cells.find((other) => other.dataset.at === at);
  return inPlane ?? cells[cells.indexOf(cell) + dy + dx];
}

/** Highlight the window of an output cell and show its formula; return the cell. */
function select(figure, cell) {
  const [image, channel, row, column] = cell.dataset.at.split(",").map(Number);
  const window = windowOf(figure, image, channel, row, column);
  const result = RESULTS[figure.operator](figure, window, channel);
  highlight(figure, "window", image, window);
  highlight(figure, "best", image, result.best ? [result.best] : []);
  for (const part of figure.node.querySelectorAll("[data-output]")) {
    part.classList.toggle("used", Number(part.dataset.output) === channel);
  }
  markSelected(figure, cell);
  const output = figure.expected.output;
  const printed = number(images(output)[image][channel][row][column]);
  const where = [...planeName(output, image, channel), bilingual("grid-cell", { row, column })];
  figure.words.replaceChildren(...explain(figure, result, joined(where), printed));
  return cell;
}

function highlight(figure, className, image, cells) {
  for (const cell of figure.cells.values()) cell.classList.remove(className);
  for (const { channel, y, x } of cells) {
    figure.cells.get([image, channel, y, x].join()).classList.add(className);
  }
}

/** Mark the selected cell. Only it has a tab stop; the arrow keys move on from there. */
function markSelected(figure, cell) {
  for (const other of figure.node.querySelectorAll("[data-at]")) {
    const selected = other.dataset.at === cell.dataset.at;
    other.classList.toggle("selected", selected);
    if (!other.closest(".selectable")) continue;
    other.tabIndex = selected ? 0 : -1;
    other.setAttribute("aria-selected", selected);
  }
}

function explain(figure, { value, formula, divisor, best }, where, printed) {
  const total = `${formula} ${value === printed ? "=" : "≈"} ${formatNumber(printed)}`;
  const lines = [element("p", "", ...where, element("span", "formula", total))];
  if (divisor) {
    const given = figure.parameters.divisor_override;
    const words = bilingual(given ? "grid-divisor-given" : "grid-divisor", { n: divisor });
    lines.push(element("p", "", words));
  }
  if (best && figure.expected.indices) {
    const width = figure.axes[1].size;
    const values = { row: best.y, width, column: best.x, index: best.y * width + best.x };
    lines.push(element("p", "index", bilingual("grid-index", values)));
  }
  return lines;
}

/** Return a legend for the kinds of cells that occur in a drawing. */
function legend(drawing) {
  const kinds = ["window", "padding", "beyond"];
  const needed = kinds.filter((kind) => drawing.querySelector(`td.${kind}`));
  const entries = needed.map((kind) =>
    element("li", "", element("span", `swatch ${kind}`), bilingual(`grid-legend-${kind}`)),
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
  makeSelectable(figure, output);
  const operands = element("div", "operands", drawInput(figure));
  if (inputs.weight) operands.append(drawKernel(inputs.weight));
  if (inputs.bias) operands.append(drawBias(inputs.bias));
  operands.append(output);
  if (expected.indices) operands.append(drawOutput("indices", expected.indices));
  node.append(operands, figure.words, element("p", "how", bilingual("grid-how")));
  select(figure, output.querySelector("td"));
  operands.after(legend(operands));
}

for (const details of document.querySelectorAll("details[data-key]")) {
  details.addEventListener("toggle", () => details.open && draw(details));
  if (details.open) draw(details);
}
