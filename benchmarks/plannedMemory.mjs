// What a captured training step of ResNet-50 (Adam, f32) plans for activations, gradients and workspaces, in bytes, unfused
// and fused; weights, their gradients and optimiser state are not in it, nor the input. Nothing is computed.
//
//   npm run on-device -- node benchmarks/plannedMemory.mjs [--size 224] [--batch 32] [--json]
//
// benchmarks/peers/savedTensors.py counts what PyTorch's autograd keeps for the same step.
import { parseArgs } from "node:util";
import { capture, input, openDevice, optim, softmaxCrossEntropy } from "@fracture/tensor";
import { ResNet } from "@fracture/resnet";

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "32" },
    json: { type: "boolean", default: false },
  },
});
const [size, batch] = [values.size, values.batch].map(Number);

const device = await openDevice();
const model = new ResNet({ architecture: "resnet50", device, generator: null }).train();
const images = input([batch, size, size, 3], { device });
const labels = input([batch], { device, dtype: "u32" });
const adam = new optim.Adam(model.parameters(), { lr: 1e-4 });

/** A step's plan: the memory is given back at once. */
async function planned(fuse) {
  const program = await capture(
    device,
    () => {
      adam.zeroGrad();
      const loss = softmaxCrossEntropy(model.forward(images), labels);
      loss.backward();
      adam.step();
      return loss;
    },
    { fuse },
  );
  const { dispatches, slotBytes, unsharedBytes } = program;
  program.dispose();
  program.result.dispose();
  device.trim();
  return { fuse, dispatches, slotBytes, unsharedBytes };
}

const rows = [await planned(false), await planned(true)];
if (values.json) {
  console.log(JSON.stringify({ adapter: device.info.device, driver: device.info.description, size, batch, rows }));
} else {
  console.log(
    `${device.info.device} (${device.info.description}), ResNet-50 training step, f32, ${size} px, batch ${batch}`,
  );
  for (const { fuse, dispatches, slotBytes, unsharedBytes } of rows)
    console.log(
      `${fuse ? "fused  " : "unfused"}  ${dispatches} dispatches, ${(slotBytes / 1e6).toFixed(1)} MB planned (${(unsharedBytes / 1e6).toFixed(1)} MB with a buffer each)`,
    );
}
device.close();
