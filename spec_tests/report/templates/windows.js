"use strict";
// Compute which cells of the input contribute to a cell of the output, and the value of that cell,
// for convolution and pooling alike. Positions count from the first cell of the input: in the padding
// before it they are negative.

const pair = (value) => (Array.isArray(value) ? value : [value, value]);
const SPECIAL_VALUES = { inf: Infinity, "-inf": -Infinity, nan: NaN };
const number = (value) => SPECIAL_VALUES[value] ?? value;

/** Return a tensor as images of channels of rows; an unbatched one is a single image. */
const images = ({ shape, data }) => (shape.length === 4 ? data : [data]);

/** Return the input size, the padding before and after, and the positions of each window. */
function axisOf({ operator, inputs, parameters, expected }, axis) {
  const size = inputs.input.shape.at(axis - 2);
  const length = expected.output.shape.at(axis - 2);
  if (operator === "adaptive_avg_pool2d") {
    return { size, before: 0, after: 0, windows: bins(size, length) };
  }
  const kernel = inputs.weight?.shape.at(axis - 2) ?? pair(parameters.kernel_size)[axis];
  const stride = pair(parameters.stride ?? (inputs.weight ? 1 : parameters.kernel_size))[axis];
  const dilation = pair(parameters.dilation ?? 1)[axis];
  const [before, after] = padding(parameters.padding ?? 0, axis, dilation * (kernel - 1));
  const windows = range(length).map((i) =>
    range(kernel).map((k) => i * stride - before + k * dilation),
  );
  return { size, before, after, windows };
}

function padding(given, axis, reach) {
  if (given === "valid") return [0, 0];
  if (given === "same") return [Math.floor(reach / 2), Math.ceil(reach / 2)];
  return [pair(given)[axis], pair(given)[axis]];
}

const range = (length, start = 0) => Array.from({ length }, (_, i) => start + i);

function bins(size, length) {
  return range(length).map((i) => {
    const start = Math.floor((i * size) / length);
    return range(Math.ceil(((i + 1) * size) / length) - start, start);
  });
}

/** Return all positions to draw: the input, its padding, and windows that reach beyond it. */
function extent({ size, before, after, windows }) {
  const first = Math.min(-before, ...windows.flat());
  const last = Math.max(size - 1 + after, ...windows.flat());
  return range(last - first + 1, first);
}

/** Return the input index that the padding mode copies to a position; null for constant padding. */
function source(position, size, mode) {
  if (position >= 0 && position < size) return position;
  if (mode === "circular") return (position + size) % size;
  if (mode === "replicate") return position < 0 ? 0 : size - 1;
  if (mode === "reflect") return position < 0 ? -position : 2 * (size - 1) - position;
  return null;
}

const inPadded = (position, { size, before, after }) =>
  position >= -before && position < size + after;
const inInput = (position, { size }) => position >= 0 && position < size;

/** Return the kind and value of a cell of the padded input; the value is null if not counted. */
function cellAt(figure, plane, y, x) {
  const [rows, columns] = figure.axes;
  const mode = figure.parameters.padding_mode;
  const from = [source(y, rows.size, mode), source(x, columns.size, mode)];
  const padded = inPadded(y, rows) && inPadded(x, columns);
  if (inInput(y, rows) && inInput(x, columns)) return { kind: "input", value: number(plane[y][x]) };
  if (!padded) return { kind: "beyond", value: null };
  if (!from.includes(null)) return { kind: "padding", value: number(plane[from[0]][from[1]]) };
  return { kind: "padding", value: paddingValue(figure) };
}

function paddingValue({ operator, parameters }) {
  if (operator === "max_pool2d") return -Infinity;
  return parameters.count_include_pad === false ? null : 0;
}

/** Return the input channels that contribute to an output channel. */
function inputChannels({ inputs, parameters }, channel) {
  if (!inputs.weight) return [channel];
  const [outputs, size] = inputs.weight.shape; // size: input channels per group
  return range(size, Math.floor(channel / (outputs / (parameters.groups ?? 1))) * size);
}

/** Return the input cells that contribute to the output cell (image, channel, row, column). */
function windowOf(figure, image, channel, row, column) {
  const [ys, xs] = [figure.axes[0].windows[row], figure.axes[1].windows[column]];
  return inputChannels(figure, channel).flatMap((from, i) =>
    ys.flatMap((y, ky) =>
      xs.map((x, kx) => ({
        channel: from, y, x,
        ...cellAt(figure, images(figure.inputs.input)[image][from], y, x),
        weight: number(figure.inputs.weight?.data[channel][i][ky][kx]),
      })),
    ),
  );
}

function formatNumber(value) {
  if (Math.abs(value) === Infinity) return value < 0 ? "−∞" : "∞";
  return String(+value.toPrecision(7)).replace("-", "−");
}

const term = (value) => (value < 0 ? `(${formatNumber(value)})` : formatNumber(value));
const countedValues = (window) =>
  window.map(({ value }) => value).filter((value) => value !== null);
const sum = (values) => values.reduce((total, value) => total + value, 0);

function convolve({ inputs }, window, channel) {
  const terms = window.map(({ value, weight }) => `${term(value)}·${term(weight)}`);
  const products = window.map(({ value, weight }) => value * weight);
  if (!inputs.bias) return { value: sum(products), formula: terms.join(" + ") };
  const bias = number(inputs.bias.data[channel]);
  return { value: sum(products) + bias, formula: `${terms.join(" + ")} + ${term(bias)} (bias)` };
}

function maxPool(_, window) {
  const values = countedValues(window);
  const value = Math.max(...values);
  const best = window.find((cell) => cell.kind === "input" && cell.value === value);
  return { value, formula: `max(${values.map(formatNumber).join(", ")})`, best };
}

function avgPool({ parameters }, window) {
  const values = countedValues(window);
  const divisor = parameters.divisor_override ?? values.length;
  const formula = `(${values.map(term).join(" + ")}) / ${divisor}`;
  return { value: sum(values) / divisor, formula, divisor };
}

/** By operator: compute the value of a window, and the formula to show for it. */
const RESULTS = {
  conv2d: convolve,
  max_pool2d: maxPool,
  avg_pool2d: avgPool,
  adaptive_avg_pool2d: avgPool,
};
