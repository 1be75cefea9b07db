// What is compared, as plain data: sizes, and the rounds that each side is given (fewer where a step takes half a minute).
import { convParts, copyPart, gemmPart, normPart } from "./kernelParts.mjs";

/** For any device: `node benchmarks/compare.mjs [CASE...]`. f32 unless a case says otherwise. */
export const CASES = {
  "train-64": network("train", 64, 8, { fracture: 5, tfjs: 2, "torch f32": 3 }),
  "train-224": network("train", 224, 2, { fracture: 5, tfjs: 2, "torch f32": 3 }),
  "infer-224": network("infer", 224, 4, { fracture: 5, onnxruntime: 5, tfjs: 3, "torch f32": 5 }),
  eager: network("train", 64, 8, { fracture: 5, "fracture eager": 3 }),
  "gemm-1024": kernels("f32", [gemmPart(1024, "f32")], { fracture: 7, "jax-js": 5, "torch f32": 7 }),
};

/** For a GPU with PyTorch beside it: `node benchmarks/gpu.mjs`. Pictures stay on the GPU, and are not sent for every step. */
export function gpuCases({ small }) {
  const [size, train, infer] = small ? [32, 4, 2] : [224, 128, 64];
  const resident = { resident: true, warmup: small ? 2 : 5 };
  const f32 = { fracture: 9, "torch f32": 9, "torch f32 channels_last": 9, "torch tf32": 9 };
  const mixed = { fracture: 9, "fracture f32": 3, "torch amp": 9 };
  const products = small ? [64, 32] : [4096, 1024];
  const half = { fracture: 9, "torch f16": 9 };
  return {
    "gpu-gemm-f16": kernels(
      "f16",
      products.map((n) => gemmPart(n, "f16")),
      half,
    ),
    "gpu-gemm-f32": kernels(
      "f32",
      products.map((n) => gemmPart(n, "f32")),
      { fracture: 9, "torch f32": 9, "torch tf32": 9 },
    ),
    "gpu-conv-f16": kernels("f16", convParts(size, infer, "f16"), half),
    "gpu-conv-f32": kernels("f32", convParts(size, small ? infer : 32, "f32"), {
      fracture: 9,
      "torch f32": 9,
      "torch tf32": 9,
    }),
    "gpu-copy": kernels("f32", [copyPart((small ? 4 : 512) * 2 ** 20)], { fracture: 9, "torch f32": 9 }),
    "gpu-norm-f16": kernels("f16", normParts(size, infer, "f16"), half),
    "gpu-norm-f32": kernels("f32", normParts(size, infer, "f32"), { fracture: 9, "torch f32": 9 }),
    "gpu-train-mixed": network("train", size, train, mixed, { ...resident, precision: "mixed" }),
    "gpu-train-f32": network("train", size, train, f32, resident),
    "gpu-infer-mixed": network("infer", size, infer, mixed, { ...resident, precision: "mixed" }),
    "gpu-infer-f32": network("infer", size, infer, f32, resident),
    "gpu-latency-mixed": network(
      "infer",
      size,
      1,
      { fracture: 25, "torch amp": 25 },
      { precision: "mixed", warmup: 5 },
    ),
    "gpu-latency-f32": network("infer", size, 1, { fracture: 25, "torch f32": 25, "torch tf32": 25 }, { warmup: 5 }),
    "gpu-train-tfjs": network("train", size, small ? train : 32, { fracture: 9, tfjs: 3 }, resident),
  };
}

/** The batch norms of a bottleneck's three widths where they are largest. */
const normParts = (size, batch, dtype) => [
  normPart(batch, size / 2, 64, dtype),
  normPart(batch, size / 4, 256, dtype),
  normPart(batch, size / 8, 512, dtype),
];

function network(kind, size, batch, sides, more = {}) {
  return { kind, size, batch, precision: "f32", warmup: 1, sides, ...more };
}

function kernels(precision, parts, sides) {
  return { kind: "kernels", precision, warmup: 2, parts, sides };
}
