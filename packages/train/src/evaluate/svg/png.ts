import { Resvg } from "@resvg/resvg-js";
import { FONT_FAMILY, fontCovers, fontFile } from "./font.ts";
import type { Svg } from "./element.ts";

/**
 * Renders a plot to PNG with the bundled font, so it looks the same on every machine. Only where a class name has characters
 * that the font lacks are the system's fonts asked for them.
 *
 * @param scale pixels of the picture per pixel of the SVG; default 2
 */
export function renderPng(svg: Svg, scale = 2): Buffer {
  const words = svg.replaceAll(/<[^>]*>/g, "");
  const image = new Resvg(svg, {
    fitTo: { mode: "zoom", value: scale },
    font: {
      loadSystemFonts: !fontCovers(words),
      fontFiles: [fontFile("normal"), fontFile("bold")],
      defaultFontFamily: FONT_FAMILY,
    },
  });
  return image.render().asPng();
}
