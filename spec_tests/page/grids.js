"use strict";
// Convolution and pooling as grids: a chosen cell of the output shows the window it comes from.
// A case is drawn when its disclosure is first opened.

const CASES = JSON.parse(document.getElementById("cases").textContent);

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  node.className = className;
  node.append(...children);
  return node;
}

/** A matrix as a table under a name; `cell(row, column)` makes its cells. */
function table(name, rows, columns, cell) {
  const body = rows.map((y) => element("tr", "", ...columns.map((x) => cell(y, x))));
  return element("table", "plane", element("caption", "", name), element("tbody", "", ...body));
}

/** The tables of one tensor, side by side. */
function operand(name, tables) {
  return element("div", "operand", element("p", "operand-name", both(name)), element("div", "planes", ...tables));
}

/** The name of a plane, as far as there are several to tell apart. */
function planeName(shape, image, channel) {
  const name = document.createDocumentFragment();
  if (shape.length === 4 && shape[0] > 1) name.append(both("grid-image", { n: image }), " ");
  if (shape.at(-3) > 1) name.append(both("grid-channel", { n: channel }));
  return name;
}

function planes(tensor, draw) {
  return images(tensor).flatMap((channels, image) => channels.map((plane, channel) => draw(plane, image, channel)));
}

function drawInput(figure) {
  const [rows, columns] = figure.axes.map(extent);
  const tensor = figure.inputs.input;
  const tables = planes(tensor, (plane, image, channel) =>
    table(planeName(tensor.shape, image, channel), rows, columns, (y, x) => {
      const { kind, value } = cellAt(figure, plane, y, x);
      const cell = element("td", kind, kind === "beyond" || value === null ? "" : shown(value));
      figure.cells.set([image, channel, y, x].join(), cell);
      return cell;
    }),
  );
  return operand("grid-input", tables);
}

function drawKernel(figure) {
  const { weight } = figure.inputs;
  const tables = weight.data.flatMap((channels, o) =>
    channels.map((plane, i) => {
      const name = weight.shape[0] * weight.shape[1] > 1 ? both("grid-kernel", { o, i }) : "";
      const drawn = table(name, range(plane.length), range(plane[0].length), (y, x) => element("td", "", shown(number(plane[y][x]))));
      drawn.dataset.output = o;
      return drawn;
    }),
  );
  return operand("grid-weight", tables);
}

function drawOutput(figure, name) {
  const tensor = figure.expected[name];
  const tables = planes(tensor, (plane, image, channel) =>
    table(planeName(tensor.shape, image, channel), range(plane.length), range(plane[0].length), (y, x) => {
      const cell = element("td", "", shown(number(plane[y][x])));
      cell.dataset.at = [image, channel, y, x].join();
      return cell;
    }),
  );
  return operand(`grid-${name}`, tables);
}

/** Put the keyboard's focus on one cell of a grid at a time; arrow keys move it. */
function makeChoosable(figure, output) {
  for (const grid of output.querySelectorAll("table")) grid.setAttribute("role", "grid");
  const choices = [...output.querySelectorAll("td")];
  for (const cell of choices) cell.setAttribute("role", "gridcell");
  output.classList.add("choosable");
  output.addEventListener("click", ({ target }) => target.dataset.at && choose(figure, target, true));
  output.addEventListener("pointerover", ({ target, pointerType }) => {
    if (pointerType === "mouse" && target.dataset.at) choose(figure, target);
  });
  output.addEventListener("keydown", (event) => {
    const next = neighbour(choices, event.target, event.key);
    if (!next) return;
    event.preventDefault();
    choose(figure, next, true);
  });
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** The cell that a key leads to: within a plane by row and column, past its end to the next cell. */
function neighbour(choices, cell, key) {
  if (!(key in STEPS)) return undefined;
  const [image, channel, y, x] = cell.dataset.at.split(",").map(Number);
  const [dy, dx] = STEPS[key];
  const at = [image, channel, y + dy, x + dx].join();
  return choices.find((choice) => choice.dataset.at === at) ?? choices[choices.indexOf(cell) + dy + dx];
}

function choose(figure, cell, focus = false) {
  const [image, channel, row, column] = cell.dataset.at.split(",").map(Number);
  const window = windowOf(figure, image, channel, row, column);
  const result = RESULTS[figure.operator](figure, window, channel);
  mark(figure, cell, window.map(({ channel: from, y, x }) => [image, from, y, x].join()));
  if (result.best) figure.cells.get([image, result.best.channel, result.best.y, result.best.x].join()).classList.add("best");
  for (const plane of figure.node.querySelectorAll("[data-output]")) {
    plane.classList.toggle("used", Number(plane.dataset.output) === channel);
  }
  figure.words.replaceChildren(...inWords(figure, result, row, column, cell.textContent));
  if (focus) cell.focus();
}

function mark(figure, cell, window) {
  for (const old of figure.node.querySelectorAll(".window, .best")) old.classList.remove("window", "best");
  for (const at of window) figure.cells.get(at).classList.add("window");
  for (const output of figure.node.querySelectorAll("[data-at]")) {
    const here = output.dataset.at === cell.dataset.at;
    output.classList.toggle("chosen", here);
    if (!output.closest(".choosable")) continue;
    output.tabIndex = here ? 0 : -1;
    output.setAttribute("aria-selected", here);
  }
}

function inWords(figure, { value, formula, divisor, best }, row, column, printed) {
  const sign = shown(value) === printed ? "=" : "≈";
  const lines = [element("p", "", both("grid-cell", { row, column }), ": ", element("span", "formula", `${formula} ${sign} ${printed}`))];
  if (divisor) {
    const given = figure.parameters.divisor_override;
    lines.push(element("p", "", both(given ? "grid-divisor-given" : "grid-divisor", { n: divisor })));
  }
  if (best && figure.expected.indices) {
    const width = figure.axes[1].size;
    const index = best.y * width + best.x;
    lines.push(element("p", "index", both("grid-index", { row: best.y, width, column: best.x, index })));
  }
  return lines;
}

function legend(drawn) {
  const entries = [["window", "grid-legend-window"], ["padding", "grid-legend-padding"], ["beyond", "grid-legend-beyond"]];
  const needed = entries.filter(([kind]) => kind === "window" || drawn.querySelector(`td.${kind}`));
  return element("ul", "legend", ...needed.map(([kind, name]) => element("li", "", element("span", `swatch ${kind}`), both(name))));
}

function draw(details) {
  const place = details.querySelector(".drawing");
  if (!place || place.hasChildNodes()) return;
  const figure = { ...CASES[details.dataset.key], node: place, cells: new Map() };
  figure.axes = [axisOf(figure, 0), axisOf(figure, 1)];
  figure.words = element("div", "words");
  figure.words.setAttribute("aria-live", "polite");
  const output = drawOutput(figure, "output");
  makeChoosable(figure, output);
  place.append(
    element("div", "operands",
      drawInput(figure),
      figure.inputs.weight ? drawKernel(figure) : "",
      output,
      figure.expected.indices ? drawOutput(figure, "indices") : "",
    ),
    figure.words,
    element("p", "how", both("grid-how")),
  );
  place.querySelector(".operands").after(legend(place));
  choose(figure, output.querySelector("td"));
}

for (const details of document.querySelectorAll("details[data-key]")) {
  details.addEventListener("toggle", () => details.open && draw(details));
  if (details.open) draw(details);
}
