// Who is compared: the program of each side, and what it is told beside the case.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { capture } from "../../scripts/lib/run.mjs";
import { CLASSES, weightSpecs } from "./model.mjs";
import { installPeers, PEERS_FOLDER } from "./peers.mjs";
import { prepareProcesses } from "./spawn.mjs";
import { LEARNING_RATE } from "./worker.mjs";

const OURS = fileURLToPath(new URL("ours.mjs", import.meta.url));
const PYTORCH = join(PEERS_FOLDER, "pytorch", "peer.py");
/** `peers`: the packages that it needs. `told`: what of the task it does in its own way. */
const SIDES = {
  fracture: { script: OURS },
  "fracture eager": { script: OURS, told: { eager: true } },
  "fracture f32": { script: OURS, told: { precision: "f32" } }, // that mixed precision gives the same, even where there is no torch
  tfjs: { script: join(PEERS_FOLDER, "tfjs.mjs"), peers: "javascript" },
  "jax-js": { script: join(PEERS_FOLDER, "jaxjs.mjs"), peers: "javascript" },
  onnxruntime: { script: join(PEERS_FOLDER, "onnxruntime", "onnxruntime.mjs"), peers: "onnxruntime" },
  "torch f32": pytorch("f32", false),
  "torch f32 channels_last": pytorch("f32", true),
  "torch tf32": pytorch("tf32", true),
  "torch f16": pytorch("f16", true),
  "torch amp": pytorch("mixed", true),
};

function pytorch(precision, channels_last) {
  return {
    script: PYTORCH,
    python: true,
    told: { precision, channels_last, classes: CLASSES, learning_rate: LEARNING_RATE },
  };
}

/** The precision that a side computes with in a case. */
export const precisionOf = (side, task) => SIDES[side].told?.precision ?? task.precision;
export const isPython = (side) => SIDES[side].python === true;

/**
 * Installs what the sides need, and gives a function that runs one on a task, in a process of its own: its answer, or
 * { unavailable: reason } where this machine lacks what it needs.
 */
export async function prepareSides(names) {
  for (const set of new Set([...names].flatMap((name) => SIDES[name].peers ?? []))) await installPeers(set);
  const start = await prepareProcesses();
  const python = [...names].some(isPython) ? await findPython() : null;
  return async (name, task) => {
    const { script, told, python: isPythonSide } = SIDES[name];
    if (!isPythonSide) return start(script, { ...task, ...told });
    if (python.unavailable) return python;
    const weights = task.parts ? undefined : weightSpecs();
    return start(script, { ...task, ...told, weights }, { program: python.program, env: hostEnv() });
  };
}

/** Of PYTHON, or else of the path's and the system's python3, the first that has torch. */
async function findPython() {
  const candidates = process.env.PYTHON ? [process.env.PYTHON] : ["python3", "/usr/bin/python3"];
  for (const program of candidates) {
    if ((await capture(program, ["-c", "import torch, numpy"], { env: hostEnv() })).code === 0) return { program };
  }
  return { unavailable: `no torch (and numpy) in ${candidates.join(" or ")}: PYTHON names another python3` };
}

/** A program of the host must not load the libraries that the portable archive lends to node. */
function hostEnv() {
  const path = process.env.FRACTURE_HOST_LIBRARY_PATH;
  return path === undefined ? {} : { LD_LIBRARY_PATH: path };
}
