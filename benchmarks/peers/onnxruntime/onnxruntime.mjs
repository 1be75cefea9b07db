// ONNX Runtime's native WebGPU provider in Node.
import { createRequire } from "node:module";
import { resnetOnnx } from "@fracture/resnet";
import { create } from "webgpu";
import { seededWeights, swapInner } from "../../lib/model.mjs";
import { worker } from "../../lib/worker.mjs";

const require = createRequire(import.meta.url);

async function open() {
  // Its own Dawn tells nobody which adapter it took. This one asks the same drivers in the same way, and by loading the
  // Vulkan library first makes the other find it where it is not among the system's (the software device in the cache).
  let gpu = create([]);
  const { info } = await gpu.requestAdapter({ powerPreference: "high-performance" });
  const ort = require("onnxruntime-node");
  let session;
  return {
    adapter: { device: info.device, driver: info.description },
    versions: { "onnxruntime-node": ort.env.versions.node },
    async infer({ batch, size }) {
      const weights = new Map([...seededWeights()].map(([name, tensor]) => [name, { dtype: "f32", ...tensor }]));
      const model = resnetOnnx(weights, { architecture: "resnet50", batch, size });
      session = await ort.InferenceSession.create(Buffer.concat(model), {
        executionProviders: ["webgpu"],
        graphOptimizationLevel: "all",
        // Without this, what the provider can't run would go to the CPU's unseen.
        extra: { session: { disable_cpu_ep_fallback: "1" } },
      });
      let feeds;
      return {
        write(images) {
          const pixels = swapInner(images, batch, size * size, 3); // NHWC -> NCHW
          feeds = { images: new ort.Tensor("float32", pixels, [batch, 3, size, size]) };
        },
        async run(times) {
          let outputs;
          for (let i = 0; i < times; i++) outputs = await session.run(feeds);
          return outputs.logits.getData();
        },
      };
    },
    async close() {
      await session?.release();
      gpu = null;
    },
  };
}

await worker("onnxruntime-node webgpu", open);
