// TensorFlow.js on the CPU backend: --impl tfjs

import { numbers, pair, require, serve, tensor } from './_server.mjs';
import * as tf from '@tensorflow/tfjs';

const REDUCTIONS = {
  mean: tf.Reduction.MEAN,
  none: tf.Reduction.NONE,
  sum: tf.Reduction.SUM,
};

const toEngine = (input) => tf.tensor(numbers(input), input.shape, 'float32');
const fromEngine = (output) => ({ output: tensor('float32', output.shape, output.dataSync()) });

// tfjs computes with channels last: (N, C, H, W) <-> (N, H, W, C)
const channelsLast = (input) => input.transpose([0, 2, 3, 1]);
const channelsFirst = (output) => output.transpose([0, 3, 1, 2]);

function image(input) {
  require(input.shape.length === 4, 'images without a batch');
  return channelsLast(toEngine(input));
}

/** Return a padding as tfjs takes it; there is none of "same" with an even kernel as torch pads. */
function margins(padding = 0) {
  if (typeof padding === 'string') return padding;
  const [rows, columns] = pair(padding);
  if (rows === 0 && columns === 0) return 'valid';
  return [[0, 0], [rows, rows], [columns, columns], [0, 0]];
}

function conv2d(inputs, { stride = 1, padding = 0, dilation = 1, groups = 1, padding_mode = 'zeros' }) {
  require(groups === 1, 'groups');
  require(padding_mode === 'zeros', 'padding modes');
  const strided = pair(stride).some((step) => step > 1);
  require(!strided || pair(dilation).every((step) => step === 1), 'stride and dilation together');
  require(inputs.weight.shape.length === 4, 'kernels of other ranks');
  const kernel = toEngine(inputs.weight).transpose([2, 3, 1, 0]); // (O, I, H, W) -> (H, W, I, O)
  const output = tf.conv2d(image(inputs.input), kernel, pair(stride), margins(padding), 'NHWC', pair(dilation));
  return fromEngine(channelsFirst(inputs.bias ? output.add(toEngine(inputs.bias)) : output));
}

function pool(operator) {
  return (inputs, { kernel_size, stride, padding = 0, dilation = 1, ceil_mode = false, ...rest }) => {
    require(pair(dilation).every((step) => step === 1), 'dilation');
    require(!rest.return_indices, 'indices');
    require(rest.divisor_override === undefined, 'divisor_override');
    const pads = margins(padding);
    require(pads === 'valid' || operator === tf.maxPool || rest.count_include_pad === false, 'averages with padding');
    require(!ceil_mode || pads !== 'valid', 'ceil_mode without a padding');
    const rounding = ceil_mode ? 'ceil' : pads === 'valid' ? undefined : 'floor';
    return fromEngine(channelsFirst(operator(image(inputs.input), pair(kernel_size), pair(stride ?? kernel_size), pads, rounding)));
  };
}

function linear({ input, weight, bias }) {
  require(input.shape.length === 2 && weight.shape.length === 2, 'inputs of other ranks');
  const output = tf.matMul(toEngine(input), toEngine(weight), false, true);
  return fromEngine(bias ? output.add(toEngine(bias)) : output);
}

function batchNorm(inputs, { training = false, eps = 1e-5 }) {
  require(!training, 'training');
  const channels = inputs.input.shape.length === 2 ? toEngine(inputs.input) : image(inputs.input);
  const [mean, variance, offset, scale] = ['running_mean', 'running_var', 'bias', 'weight'].map(
    (name) => inputs[name] && toEngine(inputs[name]),
  );
  const output = tf.batchNorm(channels, mean, variance, offset, scale, eps);
  return fromEngine(output.rank === 4 ? channelsFirst(output) : output);
}

function crossEntropy({ input, target, weight }, { ignore_index, reduction = 'mean', label_smoothing = 0 }) {
  require(!weight && ignore_index === undefined, 'weights and ignored classes');
  require(input.shape.length === 2, 'logits of other ranks');
  const classes = input.shape[1];
  require(target.dtype !== 'int64' || classes > 1, 'one class');
  require(target.dtype !== 'int64' || numbers(target).every((index) => index >= 0), 'ignored samples');
  const probabilities = target.dtype === 'int64'
    ? tf.oneHot(tf.tensor1d(numbers(target), 'int32'), classes).toFloat()
    : toEngine(target);
  return fromEngine(
    tf.losses.softmaxCrossEntropy(probabilities, toEngine(input), undefined, label_smoothing, reductionOf(reduction)),
  );
}

function reductionOf(name) {
  if (!(name in REDUCTIONS)) throw new RangeError(`no reduction ${name}`);
  return REDUCTIONS[name];
}

function loss(operator) {
  return ({ input, target }, { reduction = 'mean' }) => {
    require(String(input.shape) === String(target.shape), 'shapes that differ');
    return fromEngine(operator(toEngine(target), toEngine(input), undefined, reductionOf(reduction)));
  };
}

function relu({ input }, { inplace = false }) {
  require(!inplace, 'in place');
  return fromEngine(tf.relu(toEngine(input)));
}

function flatten({ input }, { start_dim = 0, end_dim = -1 }) {
  require(start_dim === 1 && end_dim === -1 && input.shape.length > 2, 'other axes');
  return fromEngine(tf.layers.flatten().apply(toEngine(input)));
}

await tf.setBackend('cpu');
await serve({
  description: `tfjs ${tf.version.tfjs} (CPU backend)`,
  dtypes: ['float32', 'int64'], // int64 for the classes of cross_entropy only
  operators: Object.fromEntries(
    Object.entries({
      avg_pool2d: pool(tf.avgPool),
      batch_norm: batchNorm,
      conv2d,
      cross_entropy: crossEntropy,
      flatten,
      l1_loss: loss(tf.losses.absoluteDifference),
      linear,
      max_pool2d: pool(tf.maxPool),
      mse_loss: loss(tf.losses.meanSquaredError),
      relu,
      sigmoid: ({ input }) => fromEngine(tf.sigmoid(toEngine(input))),
    }).map(([name, operator]) => [name, withFloats(operator)]),
  ),
});

/** Return an operator that has no integers but as classes. */
function withFloats(operator) {
  return (inputs, parameters) => {
    for (const [name, { dtype }] of Object.entries(inputs)) {
      require(dtype === 'float32' || name === 'target', 'integers');
    }
    return tf.tidy(() => operator(inputs, parameters));
  };
}
