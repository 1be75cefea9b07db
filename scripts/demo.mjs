// `npm run demo`: from a bare checkout to a trained model and its report, on pictures that it draws itself.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensureInstalled } from "./lib/install.mjs";
import { capture, run } from "./lib/run.mjs";
import { main, root, say, SetupError } from "./lib/workspace.mjs";

const DATA = join("data", "demo");
const RUN = join("runs", "demo");
const PICTURES = ["--train=160", "--val=40", "--test=40", "--size=256", "--seed=0"];
const WEIGHTS = "resnet18"; // for fine-tuning, where they are cached or can be fetched
const FINE_TUNE = [
  "--arch=resnet18",
  `--weights=${WEIGHTS}`,
  "--size=96",
  "--batch-size=16",
  "--epochs=8",
  "--freeze=none",
  "--lr=0.0003",
  "--seed=0",
];
const FROM_SCRATCH = [
  "--arch=resnet18",
  "--weights=none",
  "--size=96",
  "--batch-size=16",
  "--epochs=12",
  "--freeze=none",
  "--lr=0.001",
  "--seed=0",
];

const launcher = join(root, "fracture");

async function fracture(...args) {
  say(`$ ./fracture ${args.join(" ")}`);
  const code = await run(launcher, args);
  if (code !== 0) throw new SetupError(`./fracture ${args[0]} ended with exit code ${code}`);
}

await main(async () => {
  const started = Date.now();
  await ensureInstalled();
  if (!existsSync(join(root, DATA))) await fracture("data", "phantom", DATA, ...PICTURES);

  const fetched = (await capture(launcher, ["weights", "fetch", WEIGHTS])).code === 0;
  say(
    fetched
      ? `fine-tuning from the ImageNet weights of ${WEIGHTS}`
      : `no ImageNet weights can be had here: training a small ResNet from scratch`,
  );
  // A demo starts anew: an earlier run stays, and this one gets the next number.
  let folder = RUN;
  for (let n = 2; existsSync(join(root, folder)); n++) folder = `${RUN}-${n}`;
  await fracture("train", `--data=${DATA}`, `--out=${folder}`, ...(fetched ? FINE_TUNE : FROM_SCRATCH));
  await fracture("eval", folder, `--data=${DATA}`, "--split=test");

  const minutes = ((Date.now() - started) / 60_000).toFixed(1);
  say(`done in ${minutes} minutes. The results are in ${join(folder, "results")}.`);
});
