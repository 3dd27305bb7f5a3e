// ONNX Runtime for the web on WebAssembly: --impl onnxruntime_web

import { numbers, pair, require, serve, tensor } from './_server.mjs';
import protobuf from 'onnx-proto';
import * as ort from 'onnxruntime-web';

const { onnx } = protobuf;

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';

const OPSET = 22;
const TYPES = { float32: 1, int64: 7, bool: 9, float64: 11 }; // of onnx.TensorProto
const ARRAYS = { bool: Uint8Array, float32: Float32Array, float64: Float64Array };

function attribute([name, value]) {
  const { FLOAT, INT, INTS, STRING } = onnx.AttributeProto.AttributeType;
  if (typeof value === 'string') return { name, type: STRING, s: new TextEncoder().encode(value) };
  if (Array.isArray(value)) return { name, type: INTS, ints: value };
  if (typeof value === 'number') return { name, type: FLOAT, f: value };
  return { name, type: INT, i: Number(value) }; // a boolean or a BigInt
}

const typed = (name, dtype, shape) => ({
  name,
  type: { tensorType: { elemType: TYPES[dtype], shape: shape && { dim: shape.map((dimValue) => ({ dimValue })) } } },
});

/** Return the bytes of a model of one node; `results` has the dtype of each output. */
function model(opType, inputs, results, attributes) {
  const names = inputs.map((input, index) => (input ? `x${index}` : ''));
  const present = inputs.flatMap((input, index) => (input ? [typed(names[index], input.dtype, input.shape)] : []));
  const outputs = results.map((dtype, index) => typed(`y${index}`, dtype));
  const node = {
    opType,
    input: names,
    output: outputs.map(({ name }) => name),
    attribute: Object.entries(attributes).map(attribute),
  };
  const graph = { name: opType, node: [node], input: present, output: outputs };
  const opsets = [{ domain: '', version: OPSET }];
  return onnx.ModelProto.encode({ irVersion: 10, opsetImport: opsets, graph }).finish();
}

function feed({ dtype, shape, data, ...rest }) {
  const values = dtype === 'int64'
    ? BigInt64Array.from(data, (value) => BigInt(value))
    : ARRAYS[dtype].from(numbers({ data, ...rest }));
  return new ort.Tensor(dtype, values, shape);
}

/** Run a model of one node, and return its outputs as tensors of an answer. */
async function run(opType, inputs, attributes = {}, results = [inputs[0].dtype]) {
  const session = await ort.InferenceSession.create(model(opType, inputs, results, attributes), {
    executionProviders: ['wasm'],
    logSeverityLevel: 4,
  }).catch((error) => {
    require(!error.message.includes('Could not find an implementation'), `${opType} of ${inputs[0].dtype}`);
    throw error;
  });
  try {
    const feeds = Object.fromEntries(inputs.flatMap((input, index) => (input ? [[`x${index}`, feed(input)]] : [])));
    const outputs = await session.run(feeds);
    return session.outputNames.map((name) => tensor(outputs[name].type, [...outputs[name].dims], outputs[name].data));
  } finally {
    await session.release();
  }
}

const output = async (...args) => ({ output: (await run(...args))[0] });
const integers = (value) => pair(value).map(Number);
const floats = (input) => require(input.dtype !== 'int64', 'integers');

/** Return a window's arguments as the attributes of a node. */
function window(input, kernel, { stride, padding = 0, dilation = 1 }) {
  require(input.shape.length === 4, 'images without a batch');
  const words = { same: 'SAME_UPPER', valid: 'VALID' };
  require(typeof padding !== 'string' || padding in words, `padding ${padding}`);
  const pads = typeof padding === 'string'
    ? { auto_pad: words[padding] }
    : { pads: [...integers(padding), ...integers(padding)] };
  return { kernel_shape: integers(kernel), strides: integers(stride), dilations: integers(dilation), ...pads };
}

function conv2d({ input, weight, bias }, { stride = 1, groups = 1, padding_mode = 'zeros', ...rest }) {
  floats(input);
  require(padding_mode === 'zeros', 'padding modes');
  const options = window(input, weight.shape.slice(2), { stride, ...rest });
  return output('Conv', [input, weight, bias], { ...options, group: BigInt(groups) });
}

async function maxPool({ input }, { kernel_size, stride, ceil_mode = false, return_indices = false, ...rest }) {
  floats(input);
  const options = { ...window(input, kernel_size, { stride: stride ?? kernel_size, ...rest }), ceil_mode };
  if (!return_indices) return output('MaxPool', [input], options);
  const [values, indices] = await run('MaxPool', [input], options, [input.dtype, 'int64']);
  // ONNX counts through all planes of the batch, torch in each plane: (N, C, H, W) -> (H * W)
  const plane = input.shape[2] * input.shape[3];
  return { output: values, indices: { ...indices, data: indices.data.map((index) => index % plane) } };
}

function avgPool({ input }, { kernel_size, stride, ceil_mode = false, count_include_pad = true, ...rest }) {
  floats(input);
  require(rest.divisor_override === undefined, 'divisor_override');
  const options = window(input, kernel_size, { stride: stride ?? kernel_size, ...rest });
  return output('AveragePool', [input], { ...options, ceil_mode, count_include_pad });
}

function linear({ input, weight, bias }) {
  require(input.shape.length === 2 && weight.shape.length === 2, 'inputs of other ranks');
  return output('Gemm', [input, weight, bias], { transB: 1n });
}

function flatten({ input }, { start_dim = 0, end_dim = -1 }) {
  require(start_dim === 1 && end_dim === -1, 'other axes');
  return output('Flatten', [input], { axis: 1n });
}

function batchNorm(inputs, { training = false, eps = 1e-5 }) {
  const { input, running_mean: mean, running_var: variance } = inputs;
  require(!training, 'training');
  const constant = (value) => ({ ...mean, data: mean.data.map(() => value) });
  const { weight = constant(1), bias = constant(0) } = inputs;
  return output('BatchNormalization', [input, weight, bias, mean, variance], { epsilon: eps });
}

function globalAverage({ input }, { output_size }) {
  require(input.shape.length === 4 && pair(output_size).every((size) => size === 1), 'other sizes than 1');
  return output('GlobalAveragePool', [input]);
}

await serve({
  description: `onnxruntime-web ${ort.env.versions.web}`,
  dtypes: ['float32', 'float64', 'int64'],
  operators: {
    adaptive_avg_pool2d: globalAverage,
    avg_pool2d: avgPool,
    batch_norm: batchNorm,
    conv2d,
    flatten,
    linear,
    max_pool2d: maxPool,
    relu: ({ input }, { inplace = false }) => {
      require(!inplace, 'in place');
      return output('Relu', [input]);
    },
    sigmoid: ({ input }) => {
      floats(input);
      return output('Sigmoid', [input]);
    },
  },
});
