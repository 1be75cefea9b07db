// Single kernels of ours on seeded operands: what benchmarks/lib/kernelParts.mjs describes.
import {
  conv2dGeometry,
  encodeDispatch,
  planConv2dForward,
  planConv2dGradInput,
  planConv2dGradWeight,
  planMatmul,
} from "@fracture/kernels";
import { batchNorm, capture, defineOp, full, input, keep } from "@fracture/tensor";
import { fromHalf, sampleIndices, seededOperand } from "./model.mjs";

/** { run(times), results(), close() } of a part. */
export async function openKernel(device, part) {
  switch (part.op) {
    case "gemm": {
      const { m, n, k, dtype } = part;
      const plan = planMatmul({ m, n, k }, device.limits, { dtype, out: dtype });
      return planned(device, plan, { inputs: ["a", "b"], output: "y", dtype, outputType: dtype });
    }
    case "conv":
      return openConv(device, part);
    case "norm":
      return openNorm(device, part);
    case "copy":
      return openCopy(device, part);
    default:
      throw new Error(`there is no kernel ${part.op}`);
  }
}

function openConv(device, { product, dtype, n, h, w, c, k, r, stride, padding }) {
  const g = conv2dGeometry({ n, h, w, c, k, r, s: r, stride, padding });
  const { plan, inputs, output } = {
    forward: { plan: planConv2dForward, inputs: ["x", "w"], output: "y" },
    gradInput: { plan: planConv2dGradInput, inputs: ["dy", "w"], output: "dx" },
    gradWeight: { plan: planConv2dGradWeight, inputs: ["x", "dy"], output: "dw" },
  }[product];
  const outputType = product === "gradWeight" ? "f32" : dtype;
  return planned(device, plan(g, device.limits, { dtype }), { inputs, output, dtype, outputType });
}

/** A plan on memory of its own: operand n has seed n. */
async function planned(device, plan, { inputs, output, dtype, outputType }) {
  await device.encoder.prepare([plan]);
  const sizes = Object.entries({ ...plan.operands, ...plan.workspace });
  const storages = new Map(sizes.map(([name, bytes]) => [name, device.allocatePersistent(bytes)]));
  const bytesOf = { f32: 4, f16: 2 };
  for (const [i, name] of inputs.entries())
    device.writeBytes(storages.get(name), padded(seededOperand(plan.operands[name] / bytesOf[dtype], i + 1, dtype)));
  const dispatches = device.encoder.dispatches(plan, (name) => storages.get(name).resolve());
  return {
    async run(times) {
      const commands = device.gpu.createCommandEncoder();
      const pass = commands.beginComputePass();
      for (let i = 0; i < times; i++) for (const dispatch of dispatches) encodeDispatch(pass, dispatch);
      pass.end();
      device.gpu.queue.submit([commands.finish()]);
      await device.sync();
    },
    results: async () => samplesOf(await device.readBytes(storages.get(output)), outputType),
    close() {
      for (const storage of storages.values()) storage.release();
      device.trim();
    },
  };
}

/** As uploads want it: whole words. */
function padded(values) {
  if (values.byteLength % 4 === 0) return values;
  const longer = new values.constructor(values.length + 1);
  longer.set(values);
  return longer;
}

function samplesOf(bytes, dtype) {
  const values = dtype === "f16" ? new Uint16Array(bytes) : new Float32Array(bytes);
  return sampleIndices(values.length).map((at) => (dtype === "f16" ? fromHalf(values[at]) : values[at]));
}

/** A scalar whose gradient of y is dy, for a kernel's backward pass without a loss. */
const seedGradient = defineOp({
  name: "seedGradient",
  dtypes: ["f32", "f16"],
  forward: (k, { dy }) => ({ y: full([1], 0, { device: k.device }), saved: { dy } }),
  backward: (k, _, { dy }) => ({ y: dy.view() }),
});

async function openNorm(device, { n, h, w, c, dtype }) {
  const shape = [n, h, w, c];
  const given = (seed, size, type = "f32") => {
    const tensor = input(size, { device, dtype: type });
    device.writeBytes(tensor.storage, padded(seededOperand(tensor.size, seed, type)));
    return keep(tensor);
  };
  const [x, dy] = [given(1, shape, dtype).requireGrad(), given(2, shape, dtype)];
  const [weight, bias] = [given(3, [c]).requireGrad(), given(4, [c]).requireGrad()];
  const [runningMean, runningVar] = [given(5, [c]), given(6, [c])];
  const program = await capture(device, () => {
    const y = batchNorm(x, {
      weight,
      bias,
      runningMean,
      runningVar,
      training: true,
      eps: 1e-5,
      momentum: 0.1,
      relu: true,
    });
    seedGradient({ y, dy }, undefined).backward();
    return y;
  });
  return {
    async run(times) {
      for (let i = 0; i < times; i++) program.replay();
      await device.sync();
    },
    async results() {
      const half = async (tensor) => samplesOf(await device.readBytes(tensor.storage), dtype);
      return [...(await half(program.result)), ...(await half(x.grad)), ...(await weight.grad.data())];
    },
    close() {
      program.dispose();
      for (const tensor of [x, dy, weight, bias, runningMean, runningVar]) tensor.dispose();
      device.trim();
    },
  };
}

function openCopy(device, { size }) {
  const [from, to] = [device.allocatePersistent(size), device.allocatePersistent(size)];
  return {
    async run(times) {
      for (let i = 0; i < times; i++) device.copy(from, to);
      await device.sync();
    },
    results: () => null,
    close() {
      from.release();
      to.release();
      device.trim();
    },
  };
}
