// jax-js (npm @jax-js/jax) on its WebGPU backend, in Node.
import { readFileSync } from "node:fs";
import { sampleIndices, seededOperand } from "../lib/model.mjs";
import { worker } from "../lib/worker.mjs";
import { openNavigator } from "./navigator.mjs";

async function open() {
  const { adapter, letGo } = openNavigator({ userAgent: `Node/${process.version}` });
  const jax = await import("@jax-js/jax");
  await jax.init("webgpu");
  jax.defaultDevice("webgpu");
  const manifest = new URL("node_modules/@jax-js/jax/package.json", import.meta.url);
  return {
    adapter: adapter(),
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
      letGo();
    },
  };
}

await worker("jax-js webgpu", open);
