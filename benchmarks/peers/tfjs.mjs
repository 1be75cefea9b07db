// TensorFlow.js on its WebGPU backend, in Node.
import { createRequire } from "node:module";
import { BOTTLENECKS, CLASSES, seededWeights } from "../lib/model.mjs";
import { LEARNING_RATE, worker } from "../lib/worker.mjs";
import { openNavigator } from "./navigator.mjs";

const require = createRequire(import.meta.url);
const EPSILON = 1e-5;
const MOMENTUM = 0.1;

/** Without bgra8unorm-storage, which serves canvases alone: the backend wraps its name in an array, which Dawn refuses. */
function withFewFeatures(adapter) {
  const features = new Set(["timestamp-query"].filter((name) => adapter.features.has(name)));
  return new Proxy(adapter, {
    get(target, key) {
      if (key === "features") return features;
      const value = target[key];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function open() {
  const { adapter, letGo } = openNavigator({ gpu: { getPreferredCanvasFormat: () => "bgra8unorm" } }, withFewFeatures);
  const tf = require("@tensorflow/tfjs");
  require("@tensorflow/tfjs-backend-webgpu");
  await tf.setBackend("webgpu");
  await tf.ready();
  const model = createModel(tf);
  /** Steps on pictures that are written once or each time: `step` gives the loss, or the logits. */
  const steps = (batch, size, step) => {
    let given = [];
    return {
      write(images, labels) {
        for (const tensor of given) tensor.dispose();
        given = [tf.tensor(images, [batch, size, size, 3]), tf.tensor1d(labels, "int32")];
      },
      async run(times) {
        let last;
        for (let i = 0; i < times; i++) {
          last?.dispose();
          last = tf.tidy(() => step(...given));
        }
        const values = await last.data();
        last.dispose();
        return values;
      },
    };
  };
  return {
    adapter: adapter(),
    versions: { "tfjs-core": tf.version_core, webgpu: require("webgpu/package.json").version },
    async train({ batch, size }) {
      const adam = tf.train.adam(LEARNING_RATE, 0.9, 0.999, 1e-8);
      return steps(batch, size, (x, labels) => {
        const y = tf.oneHot(labels, CLASSES);
        return adam.minimize(() => tf.losses.softmaxCrossEntropy(y, model.forward(x, true)), true);
      });
    },
    infer: async ({ batch, size }) => steps(batch, size, (x) => model.forward(x, false)),
    close() {
      tf.backend().device.destroy();
      letGo();
    },
  };
}

function createModel(tf) {
  const variables = new Map();
  for (const [name, { shape, data }] of seededWeights()) {
    const initial = tf.tidy(() =>
      // OIHW -> HWIO
      shape.length === 4 ? tf.transpose(tf.tensor(data, shape), [2, 3, 1, 0]) : tf.tensor(data, shape),
    );
    variables.set(name, tf.variable(initial, !name.includes("running_")));
    initial.dispose();
  }
  const get = (name) => variables.get(name);

  const conv = (x, name, stride, padding) => {
    const sides = [padding, padding];
    const pad = padding > 0 ? [[0, 0], sides, sides, [0, 0]] : "valid";
    return tf.conv2d(x, get(`${name}.weight`), stride, pad);
  };
  const norm = (x, name, training) => {
    const [gamma, beta] = [get(`${name}.weight`), get(`${name}.bias`)];
    const [runningMean, runningVar] = [get(`${name}.running_mean`), get(`${name}.running_var`)];
    if (!training) return tf.batchNorm(x, runningMean, runningVar, beta, gamma, EPSILON);
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    const rows = x.size / x.shape[3];
    follow(runningMean, mean, 1);
    follow(runningVar, variance, rows / (rows - 1));
    return tf.batchNorm(x, mean, variance, beta, gamma, EPSILON);
  };
  /** running += momentum (batch's - running) */
  const follow = (running, value, factor) =>
    tf.tidy(() => running.assign(tf.add(tf.mul(running, 1 - MOMENTUM), tf.mul(value, MOMENTUM * factor))));

  return {
    forward(images, training) {
      const stem = tf.relu(norm(conv(images, "conv1", 2, 3), "bn1", training));
      let x = tf.maxPool(stem, 3, 2, 1, "floor");
      for (const { name, stride, projected } of BOTTLENECKS) {
        const h1 = tf.relu(norm(conv(x, `${name}.conv1`, 1, 0), `${name}.bn1`, training));
        const h2 = tf.relu(norm(conv(h1, `${name}.conv2`, stride, 1), `${name}.bn2`, training));
        const h3 = norm(conv(h2, `${name}.conv3`, 1, 0), `${name}.bn3`, training);
        const shortcut = projected
          ? norm(conv(x, `${name}.downsample.0`, stride, 0), `${name}.downsample.1`, training)
          : x;
        x = tf.relu(tf.add(h3, shortcut));
      }
      const features = tf.mean(x, [1, 2]);
      return tf.add(tf.matMul(features, get("fc.weight"), false, true), get("fc.bias"));
    },
  };
}

await worker("tfjs-backend-webgpu", open);
