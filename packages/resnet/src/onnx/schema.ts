import { float, int, nested, type Message } from "./protobuf.ts";

// The messages of onnx.proto that a network without control flow needs, with the numbers of their fields.

/** TensorProto.DataType.FLOAT */
const FLOAT = 1;
/** AttributeProto.AttributeType */
const ATTRIBUTE = { float: 1, int: 2, ints: 7 } as const;

/** A number that has to be a float though it may be whole, as `alpha` = 1. */
export interface FloatValue {
  readonly float: number;
}
/** Integers (and lists of them) as they are, floats as `{ float }`: ONNX tells the two apart. */
export type Attributes = Readonly<Record<string, number | readonly number[] | FloatValue>>;

/** A dimension: its size, or its name where any size will do. */
export type Dimension = number | string;

/** NodeProto: an operator with one output. */
export const node = (
  type: string,
  name: string,
  inputs: readonly string[],
  output: string,
  attributes: Attributes = {},
): Message => [
  inputs.map((input) => nested(1, input)),
  nested(2, output),
  nested(3, name),
  nested(4, type),
  Object.entries(attributes).map(([key, value]) => nested(5, attribute(key, value))),
];

function attribute(name: string, value: Attributes[string]): Message {
  if (typeof value === "number") return [nested(1, name), int(3, value), int(20, ATTRIBUTE.int)];
  if ("float" in value) return [nested(1, name), float(2, value.float), int(20, ATTRIBUTE.float)];
  return [nested(1, name), value.map((item) => int(8, item)), int(20, ATTRIBUTE.ints)];
}

/** TensorProto: constant floats, little-endian as on every machine that Node runs on. */
export const tensor = (name: string, shape: readonly number[], data: Float32Array<ArrayBuffer>): Message => [
  shape.map((size) => int(1, size)),
  int(2, FLOAT),
  nested(8, name),
  nested(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
];

/** ValueInfoProto: floats that go in or come out. */
export const value = (name: string, shape: readonly Dimension[], doc: string): Message => {
  const dimensions = shape.map((size) => nested(1, typeof size === "number" ? int(1, size) : nested(2, size)));
  return [nested(1, name), nested(2, nested(1, [int(1, FLOAT), nested(2, dimensions)])), nested(3, doc)];
};

export interface Graph {
  readonly name: string;
  readonly nodes: readonly Message[];
  readonly tensors: readonly Message[];
  readonly inputs: readonly Message[];
  readonly outputs: readonly Message[];
}

const graphMessage = ({ name, nodes, tensors, inputs, outputs }: Graph): Message => [
  nodes.map((message) => nested(1, message)),
  nested(2, name),
  tensors.map((message) => nested(5, message)),
  inputs.map((message) => nested(11, message)),
  outputs.map((message) => nested(12, message)),
];

export interface Model {
  readonly graph: Graph;
  readonly opset: number;
  readonly irVersion: number;
  readonly producerVersion: string;
  readonly doc: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** ModelProto: the file. */
export const model = ({ graph, opset, irVersion, producerVersion, doc, metadata }: Model): Message => [
  int(1, irVersion),
  nested(2, "fracture"),
  nested(3, producerVersion),
  nested(6, doc),
  nested(7, graphMessage(graph)),
  nested(8, int(2, opset)),
  Object.entries(metadata).map(([key, text]) => nested(14, [nested(1, key), nested(2, text)])),
];
