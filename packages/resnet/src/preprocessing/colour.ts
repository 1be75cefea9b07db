import { checkPicture, type Picture } from "./picture.ts";

/** ITU-R 601 luma as Pillow's `convert("L")` computes it, in 16-bit fixed point. A grey picture is returned as it is. */
export function toGrey(picture: Picture): Picture {
  checkPicture("toGrey", picture);
  const { data, width, height, channels } = picture;
  if (channels === 1) return picture;
  const grey = new Uint8Array(width * height);
  for (let i = 0, from = 0; i < grey.length; i++, from += 3) {
    grey[i] = (data[from]! * 19595 + data[from + 1]! * 38470 + data[from + 2]! * 7471 + 0x8000) >> 16;
  }
  return { data: grey, width, height, channels: 1 };
}

/** Grey three times over, as Pillow's `convert("RGB")`. A picture in colour is returned as it is. */
export function toRgb(picture: Picture): Picture {
  checkPicture("toRgb", picture);
  const { data, width, height, channels } = picture;
  if (channels === 3) return picture;
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) rgb.fill(data[i]!, 3 * i, 3 * i + 3);
  return { data: rgb, width, height, channels: 3 };
}
