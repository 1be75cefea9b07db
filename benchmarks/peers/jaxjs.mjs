// jax-js (npm @jax-js/jax) on its WebGPU backend, in Node: Dawn's package stands in for the browser's navigator.gpu.
import { readFileSync } from "node:fs";
import { create, globals } from "webgpu";
import { sampleIndices, seededOperand } from "../lib/model.mjs";
import { worker } from "../lib/worker.mjs";

async function open() {
  Object.assign(globalThis, globals);
  // The toggles that our own side opens its device with: no bounds checks in kernels, as they are of no use to either.
  let gpu = create(["enable-dawn-features=allow_unsafe_apis,disable_robustness"]);
  let info;
  const requestAdapter = async (options) => {
    const adapter = await gpu.requestAdapter(options);
    info = adapter.info;
    return adapter;
  };
  const navigator = { gpu: { requestAdapter }, userAgent: `Node/${process.version}` };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  const jax = await import("@jax-js/jax");
  await jax.init("webgpu");
  jax.defaultDevice("webgpu");
  const manifest = new URL("node_modules/@jax-js/jax/package.json", import.meta.url);
  return {
    adapter: { device: info.device, driver: info.description },
    versions: { "jax-js": JSON.parse(readFileSync(manifest, "utf8")).version },
    async kernel({ op, m, n, k, dtype }) {
      if (op !== "gemm" || dtype !== "f32") throw new Error(`jax-js is compared by products in f32, not ${op} ${dtype}`);
      const matmul = jax.jit((a, b) => jax.numpy.matmul(a, b));
      const [a, b] = [m * k, k * n].map((size, i) => jax.numpy.array(seededOperand(size, i + 1, "f32")));
      const [x, y] = [a.reshape([m, k]), b.reshape([k, n])];
      return {
        async run(times) {
          let last;
          for (let i = 0; i < times; i++) {
            last?.dispose();
            last = matmul(x.ref, y.ref); // a reference is used up by whoever takes it
          }
          await last.blockUntilReady();
          last.dispose();
        },
        async results() {
          const values = await matmul(x.ref, y.ref).data();
          return sampleIndices(values.length).map((at) => values[at]);
        },
        close() {
          x.dispose();
          y.dispose();
        },
      };
    },
    close() {
      jax.getWebGPUDevice().destroy();
      gpu = null;
    },
  };
}

await worker("jax-js webgpu", open);
