// Opens the device and predicts one picture; prints when each was done, in milliseconds from the process's start.
import { openDevice } from "@fracture/tensor";
import { seededBatch } from "./model.mjs";
import { captureInference, seededResNet } from "./ours.mjs";

const at = { imported: performance.now() };
const device = await openDevice();
at.opened = performance.now();
const model = seededResNet(device); // drawing the weights takes about as long as reading them from a file
at.weights = performance.now();
const { program, images } = await captureInference(device, model, { batch: 1, size: 224 });
at.compiled = performance.now();
images.write(seededBatch({ batch: 1, size: 224 }).images);
program.replay();
const logits = await program.result.data();
at.predicted = performance.now();
const adapter = { device: device.info.device, driver: device.info.description };
console.log(JSON.stringify({ adapter, at, finite: logits.every(Number.isFinite) }));
device.close();
