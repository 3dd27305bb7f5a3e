// The server of the protocol (docs/PROTOCOL.md): one request a line, one answer a line.

import readline from 'node:readline';

// What a library prints is no answer: importing this module first takes standard output from it.
const send = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

export class NotImplemented extends Error {}

/** Throw NotImplemented with what the engine is missing, unless the condition is true. */
export function require(condition, missing) {
  if (!condition) throw new NotImplemented(missing);
}

/** Return [rows, columns]; one number is used for both. */
export const pair = (value) => (Array.isArray(value) ? value : [value, value]);

const WORDS = { nan: NaN, inf: Infinity, '-inf': -Infinity };

/** Return the elements of a tensor as numbers; int64 beyond 2^53 is not implemented. */
export function numbers(tensor) {
  return tensor.data.map((value) => {
    if (typeof value === 'number') return value;
    require(value in WORDS, 'int64 beyond 2^53');
    return WORDS[value];
  });
}

/** Return numbers as the tensor of an answer. */
export function tensor(dtype, shape, values) {
  const data = Array.from(values, (value) => {
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    if (Number.isNaN(value)) return 'nan';
    return Number.isFinite(value) ? value : value > 0 ? 'inf' : '-inf';
  });
  return { dtype, shape, data };
}

/**
 * Answer the requests on standard input until it ends.
 *
 * @param {{description: string, dtypes: string[], operators: Object<string, Function>}} engine
 *   Each operator gets the inputs and the parameters by name, and returns the results by name.
 */
export async function serve({ description, dtypes, operators }) {
  const about = { version: 1, description, dtypes, operators: Object.keys(operators) };
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    if (request.cmd === 'end') break;
    const answer = request.cmd === 'start' ? about : await run(operators[request.operator], request);
    send(`${JSON.stringify(answer)}\n`);
  }
}

async function run(operator, { inputs, parameters }) {
  try {
    return { results: await operator(inputs, parameters) };
  } catch (error) {
    if (error instanceof NotImplemented) return { not_implemented: error.message };
    return { refused: { type: `js.${error?.constructor?.name}`, message: String(error?.message ?? error) } };
  }
}
