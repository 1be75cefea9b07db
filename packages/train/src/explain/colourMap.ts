/** Red, green and blue, 0 to 255 each. */
export type Rgb = readonly [red: number, green: number, blue: number];

/**
 * Inferno (S. van der Walt and N. Smith, matplotlib 1.5, CC0): equal steps look equal, lightness rises all the way, so that it
 * keeps its order in grey and for people with any colour vision. Every fifth of its 256 colours.
 */
const INFERNO =
  "00000402020c0504170a072210092d160b391e0c45260c512f0a5b380962400a67490b6a510e6c59106e61136e69166e71196e781c6d801f6c88226a90256898" +
  "2766a02a63a82e5fb0315bb73557bf3952c63d4dcc4248d34743d94d3ddf5337e45a31e9612bed6925f1711ff47918f78212f98b0bfa9407fb9d07fca60cfcb0" +
  "14fbba1ffac42af8cd37f6d746f4e156f2ea69f2f27df5f992fcffa4";

const ANCHORS: readonly Rgb[] = Array.from({ length: INFERNO.length / 6 }, (_, i) => {
  const word = Number.parseInt(INFERNO.slice(6 * i, 6 * i + 6), 16);
  return [word >> 16, (word >> 8) & 255, word & 255];
});

/** The colour of a share from 0 (black) to 1 (pale yellow); within 1.2 of 255 of matplotlib's. */
export function inferno(share: number): Rgb {
  const position = Math.min(1, Math.max(0, share)) * (ANCHORS.length - 1);
  const low = Math.min(ANCHORS.length - 2, Math.floor(position));
  const [from, to] = [ANCHORS[low]!, ANCHORS[low + 1]!];
  const mix = (channel: 0 | 1 | 2): number => from[channel] + (to[channel] - from[channel]) * (position - low);
  return [mix(0), mix(1), mix(2)];
}
