import { checkBindingSizes, U32_READ } from "../elementwise/flat.ts";
import { DeviceLimitError } from "../errors.ts";
import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, type KernelPlan } from "../plan.ts";
import { checkStored, storedArray, storedBytes } from "../stored.ts";
import { describeImage, pictureWords, type ImageGeometry } from "./geometry.ts";
import { VIEW_WORD, VIEW_WORDS } from "./view.ts";

/**
 * Views of 8-bit pictures: crop, resize, flip, rotation, brightness, contrast, grey to three channels, and (level - mean) / std,
 * in one kernel. Sizes and what a view does are data. Operands `pictures` (u32 [pictures, pictureWords]), `views` (u32 [n, VIEW_WORDS], see
 * packViews) and `y` [n, size, size, 3].
 *
 * Resizing is Pillow's `resize(BILINEAR, box=..)` without its rounding to 8 bits, which is torch's antialiased bilinear
 * interpolation: a triangle filter that widens where the view is smaller than its box, weights normalised over the taps that
 * lie in the picture. Of a box of the view's own size one tap is left, and its level comes out as it is. A view's pixel whose
 * middle lies outside the picture is black, as torchvision's `rotate` fills.
 */
export function planImage(g: ImageGeometry, limits: DeviceLimits): KernelPlan {
  const name = `image ${describeImage(g)}`;
  const { channels, size, dtype = "f32" } = g;
  const words = pictureWords(g);
  const operands = {
    pictures: g.pictures * words * 4,
    views: g.n * VIEW_WORDS * 4,
    y: storedBytes(dtype, g.n * size * size * 3),
  };
  const y = storedArray(dtype);
  checkStored(name, dtype, limits);
  checkBindingSizes(name, operands, limits);
  if (g.n > limits.maxWorkgroupsPerDimension)
    throw new DeviceLimitError(name, "maxWorkgroupsPerDimension", g.n, limits.maxWorkgroupsPerDimension);
  // An invocation a pixel, a workgroup a block of neighbours: no division for the place.
  const [across, down] = limits.deviceClass === "cpu" ? [8, 8] : [32, 8];
  const grey = channels === 1;
  const fields = Object.keys(VIEW_WORD).map((key) => `${key}: ${key === "picture" ? "u32" : "f32"}`);
  const pass = definePass({
    label: name,
    bindings: { pictures: U32_READ, views: { type: "array<View>", access: "read" }, y: y.write },
    enables: y.enables,
    params: {
      size: { u32: size },
      height: { u32: g.height },
      width: { u32: g.width },
      words: { u32: words },
      lastPicture: { u32: g.pictures - 1 },
      ...Object.fromEntries(g.mean.map((value, c) => [`mean${c}`, { f32: value }])),
      ...Object.fromEntries(g.std.map((value, c) => [`std${c}`, { f32: value }])),
    },
    body: `struct View { ${fields.join(", ")} }
fn byte(base: u32, i: u32) -> f32 { return f32((pictures[base + (i >> 2u)] >> ((i & 3u) * 8u)) & 255u); }
@compute @workgroup_size(${across}, ${down}) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.size || id.y >= params.size) { return; }
  let view = views[id.z];
  let base = min(view.picture, params.lastPicture) * params.words;
  let u = vec2f(id.xy) + 0.5;
  let at = vec2f(view.xx, view.yx) * u.x + vec2f(view.xy, view.yy) * u.y + vec2f(view.x0, view.y0);
  let reach = vec2f(view.reachX, view.reachY);
  let end = vec2f(f32(params.width), f32(params.height));
  // Tap t weighs 1 - |t + 0.5 - at| / reach: those from first to last are the ones above 0.
  let first = vec2u(clamp(floor(at - reach - 0.5) + 1.0, vec2f(), end - 1.0));
  let last = vec2u(clamp(ceil(at + reach - 0.5) - 1.0, vec2f(), end - 1.0));
  var level = ${grey ? "0.0" : "vec3f()"};
  if (all(at >= vec2f()) && all(at <= end)) {
    var total = 0.0;
    for (var row = first.y; row <= last.y; row++) {
      let rowWeight = 1.0 - abs(f32(row) + 0.5 - at.y) / reach.y;
      for (var column = first.x; column <= last.x; column++) {
        let weight = rowWeight * (1.0 - abs(f32(column) + 0.5 - at.x) / reach.x);
        ${
          grey
            ? `level += weight * byte(base, row * params.width + column);`
            : `let i = (row * params.width + column) * 3u;
        level += weight * vec3f(byte(base, i), byte(base, i + 1u), byte(base, i + 2u));`
        }
        total += weight;
      }
    }
    level = level / total / 255.0;
  }
  level = saturate(level * view.brightness);
  level = saturate(level * view.contrast + (1.0 - view.contrast) * view.pivot);
  let out = ((id.z * params.size + id.y) * params.size + id.x) * 3u;
${[0, 1, 2].map((c) => `  y[out + ${c}u] = ${y.store(`(level${grey ? "" : `[${c}]`} - params.mean${c}) / params.std${c}`)};`).join("\n")}
}`,
    workgroups: [ceilDiv(size, across), ceilDiv(size, down), g.n],
  });
  // Counted at two taps each way: place 8, taps 9 and 2 a channel, then division, brightness, contrast, normalisation.
  const flop = g.n * size * size * (8 + 4 * (9 + 2 * channels) + 6 * channels + 6);
  // Each view reads a picture.
  const bytes = g.n * words * 4 + operands.views + operands.y;
  return { name, operands, workspace: {}, flop, bytes, passes: [pass] };
}
