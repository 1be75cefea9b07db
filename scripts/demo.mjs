// `npm run demo`: from a bare checkout to a trained model and its report, on pictures that it draws itself.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensureInstalled } from "./lib/install.mjs";
import { capture, run } from "./lib/run.mjs";
import { main, root, say, SetupError } from "./lib/workspace.mjs";

const DATA = join("data", "demo");
const RUN = join("runs", "demo");
// Displaced fractures of one limb that hardly lies askew: what a network can learn from nothing in minutes, on two slow cores.
const EASY = ["--hairline-share=0", "--joint-share=0", "--collimated-share=0", "--limb=arm", "--tilt=5"];
const PICTURES = ["--train=1600", "--val=100", "--test=200", "--size=64", "--seed=0", ...EASY];
const ARCHITECTURE = "resnet18";
const WEIGHTS = "resnet18"; // for fine-tuning, where they are cached or can be fetched
const FETCH_MS = 60_000; // what has come by then is kept, and the next demo goes on from there
// So many different pictures need no augmentation. The rate falls after each epoch: from scratch, accuracy swings from epoch to epoch at a
// large one, as the batch norms' running statistics lag behind the weights.
const BOTH = [
  `--arch=${ARCHITECTURE}`,
  "--freeze=none",
  "--augment=none",
  "--batch-size=16",
  "--step-size=1",
  "--patience=none",
  "--seed=0",
];
const FINE_TUNE = [...BOTH, `--weights=${WEIGHTS}`, "--size=48", "--epochs=1", "--lr=0.001", "--backbone-lr=0.0003"];
const FROM_SCRATCH = [...BOTH, "--weights=none", "--size=32", "--epochs=3", "--lr=0.0005", "--gamma=0.3"];

const launcher = join(root, "fracture");

async function fracture(...args) {
  say(`$ ./fracture ${args.join(" ")}`);
  const code = await run(launcher, args);
  if (code !== 0) throw new SetupError(`./fracture ${args[0]} ended with exit code ${code}`);
}

await main(async () => {
  const started = Date.now();
  await ensureInstalled();
  await fracture("data", "phantom", DATA, ...PICTURES);

  const fetched = (await capture(launcher, ["weights", "fetch", WEIGHTS], { timeout: FETCH_MS })).code === 0;
  say(
    fetched
      ? `fine-tuning from the ImageNet weights of ${WEIGHTS}`
      : `no ImageNet weights can be had here: training ${ARCHITECTURE}, the smallest ResNet, from scratch`,
  );
  // A demo starts anew: an earlier run stays, and this one gets the next number.
  let folder = RUN;
  for (let n = 2; existsSync(join(root, folder)); n++) folder = `${RUN}-${n}`;
  await fracture("train", `--data=${DATA}`, `--out=${folder}`, ...(fetched ? FINE_TUNE : FROM_SCRATCH));
  await fracture("eval", folder, `--data=${DATA}`, "--split=test");

  const minutes = ((Date.now() - started) / 60_000).toFixed(1);
  say(`done in ${minutes} minutes. The report is ${join(folder, "results", "report.html")}.`);
});
