import { packViews, VIEW_WORDS } from "@fracture/kernels";
import { expect, it } from "vitest";
import { capture } from "../capture/capture.ts";
import { input, tensor } from "../create.ts";
import { ShapeError, TensorError } from "../errors.ts";
import { describeDevice } from "../testing/index.ts";
import { renderViews } from "./image.ts";

const OPTIONS = { height: 2, width: 3, channels: 1, size: 2, mean: [0.5, 0.5, 0.5], std: [0.5, 0.25, 1] } as const;
/** Two pictures of six bytes, in two u32 each: [0, 51, 102 / 153, 204, 255] and its reverse. */
const PICTURES = [0x99663300, 0xffcc, 0x6699ccff, 0x33];

describeDevice("renderViews", (device) => {
  it("shows the chosen part of the chosen picture, normalised, in three channels", async () => {
    const pictures = tensor(PICTURES, { device: device(), dtype: "u32", shape: [2, 2] });
    const box = { left: 1, top: 0, width: 2, height: 2 };
    const words = packViews(
      [
        { picture: 1, box },
        { picture: 0, box, flip: true },
      ],
      2,
    );
    const views = tensor(words, { device: device(), dtype: "u32", shape: [2, VIEW_WORDS] });
    const y = renderViews(pictures, views, OPTIONS);
    expect(y.shape).toEqual([2, 2, 2, 3]);
    const levels = [0.8, 0.6, 0.2, 0, 0.4, 0.2, 1, 0.8];
    const expected = levels.flatMap((level) => OPTIONS.std.map((std) => (level - 0.5) / std));
    Array.from(await y.data()).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));
  });

  it("a captured program follows its views, and a replay allocates nothing", async () => {
    const pictures = tensor(PICTURES, { device: device(), dtype: "u32", shape: [2, 2] });
    const views = input([1, VIEW_WORDS], { device: device(), dtype: "u32" });
    const program = await capture(device(), () => renderViews(pictures, views, { ...OPTIONS, size: 1 }));
    const show = async (picture: number): Promise<number> => {
      views.write(packViews([{ picture, box: { left: 0, top: 1, width: 1, height: 1 } }], 1));
      program.replay();
      return (await program.result.data())[2]!;
    };
    expect(await show(0)).toBeCloseTo(0.6 - 0.5, 6);
    const before = device().counts;
    expect(await show(1)).toBeCloseTo(0.4 - 0.5, 6);
    expect(device().counts).toEqual(before);
  });

  it("says what doesn't fit", () => {
    const u32 = { device: device(), dtype: "u32" } as const;
    const [pictures, views] = [input([2, 2], u32), input([1, VIEW_WORDS], u32)];
    expect(() => renderViews(pictures, views, { ...OPTIONS, height: 4 })).toThrow(
      new ShapeError("renderViews", "4 x 3 x 1 bytes need 3 u32 a picture", { pictures: [2, 2], views: [1, 12] }),
    );
    expect(() => renderViews(pictures, input([1, 8], u32), OPTIONS)).toThrow(
      "a view needs 12 u32, as packViews makes them",
    );
    expect(() => renderViews(pictures, views, { ...OPTIONS, channels: 2 })).toThrow(ShapeError);
    expect(() => renderViews(pictures, input([1, VIEW_WORDS], { device: device() }), OPTIONS)).toThrow(
      new TensorError("renderViews", "pictures and views must be u32, got u32 and f32"),
    );
  });
});
