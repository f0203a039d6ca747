/**
 * Writes a graph as an ONNX ModelProto. Only the fields used here are known. https://onnx.ai/onnx/intro/concepts.html
 */

import { invariant, Message, UsageError } from "../base/index.ts";
import { DTYPES, type TensorData } from "./dtype.ts";
import { type Graph, type Node, type Value, valueName } from "./graph.ts";
import { type Attribute, OPERATORS } from "./operators.ts";

/** Version of ONNX's own operators that files ask for; 26 brought BitCast, and is asked for only where that is used. */
const OPSET = 21;
const OPSET_BITCAST = 26;
const IR_VERSION = 10;
/** Protocol buffers hold less than 2 GiB. */
const MAX_BYTES = 2 ** 31 - 1;

/** Where the data of a tensor lies beside the file. */
export interface ExternalData {
  /** Name of the file it is in, in the same folder. */
  readonly location: string;
  /** Bytes before it, and of it. */
  readonly offset: number;
  readonly length: number;
}

/** How a graph is written. */
export interface EncodeOptions {
  /** Names of the outputs in the file, in order. */
  readonly outputNames: readonly string[];
  /** Names of the inputs in the file; default their own. */
  readonly inputNames?: readonly string[];
  /** Inputs, by position, that become constants whose data lie beside the file. Default none. */
  readonly external?: ReadonlyMap<number, ExternalData>;
}

/**
 * Encodes a verified graph.
 *
 * @throws UsageError `engine-model-size` if the constants make the file larger than protocol buffers can be
 */
export function encodeOnnx(graph: Graph, options: EncodeOptions): Uint8Array {
  const { inputNames = [], external } = options;
  const renamed = new Map([
    ...graph.inputs.map((value, i) => [value.id, inputNames[i] ?? valueName(value)] as const),
    ...graph.outputs.map((value, i) => [value.id, options.outputNames[i] ?? `out${i}`] as const),
  ]);
  const nameOf = (value: Value): string => renamed.get(value.id) ?? valueName(value);
  const body = new Message();
  const operands = new Map<string, readonly number[]>();
  graph.nodes.forEach((node, index) => {
    body.message(1, encodeNode(node, index, nameOf, operands));
  });
  body.text(2, graph.name);
  for (const { value, data } of graph.constants)
    body.message(5, encodeTensor(nameOf(value), DTYPES[value.dtype].onnx, value.shape, data));
  for (const [name, numbers] of operands)
    body.message(
      5,
      encodeTensor(name, DTYPES.int64.onnx, [numbers.length], BigInt64Array.from(numbers, BigInt)),
    );
  graph.inputs.forEach((value, i) => {
    const data = external?.get(i);
    if (data) body.message(5, encodeExternal(nameOf(value), value, data));
    else body.message(11, encodeValueInfo(nameOf(value), value));
  });
  for (const value of graph.outputs) body.message(12, encodeValueInfo(nameOf(value), value));
  const opset = graph.nodes.some((node) => node.op === "BitCast") ? OPSET_BITCAST : OPSET;
  const model = new Message()
    .integer(1, opset === OPSET_BITCAST ? 13 : IR_VERSION)
    .text(2, "video-r2")
    .message(7, body)
    .message(8, new Message().text(1, "").integer(2, opset))
    .message(8, new Message().text(1, "com.microsoft").integer(2, 1));
  if (model.length > MAX_BYTES)
    throw new UsageError(
      "engine-model-size",
      `compile: constants must fit 2 GiB, got ${model.length} bytes`,
      "Pass large tensors as arguments instead of closing over them or freezing them.",
    );
  return model.finish();
}

function encodeNode(
  node: Node,
  index: number,
  nameOf: (value: Value) => string,
  operands: Map<string, readonly number[]>,
): Message {
  const rule = OPERATORS[node.op];
  invariant(rule !== undefined, `no operator ${node.op}`);
  const message = new Message();
  for (const input of node.inputs) message.text(1, nameOf(input));
  for (const operand of rule.operands ?? []) {
    const numbers = node.attributes[operand] as readonly number[];
    const name = `const_${numbers.join("_")}`;
    operands.set(name, numbers);
    message.text(1, name);
  }
  for (const output of node.outputs) message.text(2, nameOf(output));
  message.text(3, `${node.op}_${index}`).text(4, node.op);
  const skipped = new Set([...(rule.operands ?? []), ...(rule.hidden ?? [])]);
  for (const [name, value] of Object.entries(node.attributes))
    if (!skipped.has(name))
      message.message(5, encodeAttribute(name, value, rule.floats?.includes(name) ?? false));
  if (rule.domain !== undefined) message.text(7, rule.domain);
  return message;
}

function encodeAttribute(name: string, value: Attribute, isFloat: boolean): Message {
  const message = new Message().text(1, name);
  if (name === "to") return message.integer(3, DTYPES[value as keyof typeof DTYPES].onnx).integer(20, 2);
  if (typeof value === "string") return message.bytes(4, new TextEncoder().encode(value)).integer(20, 3);
  if (typeof value === "number")
    return isFloat ? message.float(2, value).integer(20, 1) : message.integer(3, value).integer(20, 2);
  for (const item of value) message.integer(8, item);
  return message.integer(20, 7);
}

function encodeTensor(name: string, type: number, shape: readonly number[], data: TensorData): Message {
  return tensorHead(name, type, shape).bytes(
    9,
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
}

function tensorHead(name: string, type: number, shape: readonly number[]): Message {
  const message = new Message();
  for (const d of shape) message.integer(1, d);
  return message.integer(2, type).text(8, name);
}

function encodeExternal(name: string, { dtype, shape }: Value, data: ExternalData): Message {
  const message = tensorHead(name, DTYPES[dtype].onnx, shape);
  for (const key of ["location", "offset", "length"] as const)
    message.message(13, new Message().text(1, key).text(2, `${data[key]}`));
  // data_location: EXTERNAL
  return message.integer(14, 1);
}

function encodeValueInfo(name: string, value: Value): Message {
  const shape = new Message();
  for (const d of value.shape) shape.message(1, new Message().integer(1, d));
  const tensor = new Message().integer(1, DTYPES[value.dtype].onnx).message(2, shape);
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
}
