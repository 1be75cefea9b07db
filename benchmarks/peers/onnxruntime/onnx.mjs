// Writes ResNet-50 as an ONNX model (protobuf, onnx.proto3 of the ONNX project): no more of the format than that takes.
import { BOTTLENECKS, CLASSES } from "../../lib/model.mjs";

const OPSET = 17;
const IR_VERSION = 8;
const FLOAT = 1;
const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

const text = new TextEncoder();

/** Base-128 integer; int64 by two's complement is not needed, as nothing here is negative. */
function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  bytes.push(value);
  return Uint8Array.from(bytes);
}

const field = (number, wire) => varint(number * 8 + wire);
const int = (number, value) => [field(number, 0), varint(value)];
const float = (number, value) => [field(number, 5), new Uint8Array(Float32Array.of(value).buffer)];

/** A length-delimited field: bytes, a string, or a nested message given as its parts. */
function part(number, content) {
  const parts =
    typeof content === "string" ? [text.encode(content)] : content instanceof Uint8Array ? [content] : content.flat(Infinity);
  return [field(number, 2), varint(parts.reduce((sum, { length }) => sum + length, 0)), ...parts];
}

const tensorProto = (name, { shape, data }) => [
  shape.map((size) => int(1, size)),
  int(2, FLOAT),
  part(8, name),
  part(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
];

const valueInfo = (name, shape) => {
  const dims = shape.map((size) => part(1, int(1, size)));
  return [part(1, name), part(2, part(1, [int(1, FLOAT), part(2, dims)]))];
};

function attribute(name, value) {
  if (Array.isArray(value)) return [part(1, name), value.map((item) => int(8, item)), int(20, ATTRIBUTE_INTS)];
  if (Number.isInteger(value)) return [part(1, name), int(3, value), int(20, ATTRIBUTE_INT)];
  return [part(1, name), float(2, value), int(20, ATTRIBUTE_FLOAT)];
}

/** The model's bytes: "images" [batch, 3, size, size] -> "logits" [batch, 1000], in inference mode as torch exports it. */
export function resnet50Onnx(weights, { batch, size }) {
  const nodes = [];
  const node = (type, inputs, output, attributes = {}) => {
    const entries = Object.entries(attributes).map(([name, value]) => part(5, attribute(name, value)));
    nodes.push([inputs.map((name) => part(1, name)), part(2, output), part(3, output), part(4, type), entries]);
    return output;
  };
  const conv = (x, name, kernel, stride, padding) =>
    node("Conv", [x, `${name}.weight`], `${name}.out`, {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
    });
  const norm = (x, name) =>
    node(
      "BatchNormalization",
      [x, ...["weight", "bias", "running_mean", "running_var"].map((part) => `${name}.${part}`)],
      `${name}.out`,
      { epsilon: 1e-5 },
    );
  const relu = (x) => node("Relu", [x], `${x}.relu`);

  let x = relu(norm(conv("images", "conv1", 7, 2, 3), "bn1"));
  x = node("MaxPool", [x], "maxpool.out", { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  for (const { name, stride, projected } of BOTTLENECKS) {
    const h1 = relu(norm(conv(x, `${name}.conv1`, 1, 1, 0), `${name}.bn1`));
    const h2 = relu(norm(conv(h1, `${name}.conv2`, 3, stride, 1), `${name}.bn2`));
    const h3 = norm(conv(h2, `${name}.conv3`, 1, 1, 0), `${name}.bn3`);
    const shortcut = projected ? norm(conv(x, `${name}.downsample.0`, 1, stride, 0), `${name}.downsample.1`) : x;
    x = relu(node("Add", [h3, shortcut], `${name}.add`));
  }
  x = node("GlobalAveragePool", [x], "avgpool.out");
  x = node("Flatten", [x], "flatten.out", { axis: 1 });
  node("Gemm", [x, "fc.weight", "fc.bias"], "logits", { transB: 1 });

  const graph = [
    nodes.map((parts) => part(1, parts)),
    part(2, "resnet50"),
    [...weights].map(([name, tensor]) => part(5, tensorProto(name, tensor))),
    part(11, valueInfo("images", [batch, 3, size, size])),
    part(12, valueInfo("logits", [batch, CLASSES])),
  ];
  const model = [int(1, IR_VERSION), part(2, "fracture"), part(7, graph), part(8, int(2, OPSET))];
  return Buffer.concat(model.flat(Infinity));
}
