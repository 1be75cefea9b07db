/**
 * Linear attenuation coefficients at 60 keV, in 1/mm: mass attenuation coefficient times density, both from NIST's tables for the
 * ICRU-44 tissues (J. H. Hubbell and S. M. Seltzer, NISTIR 5632, tables 2 and 4).
 */
const perMillimetre = (squareCentimetresPerGram: number, gramsPerCubicCentimetre: number): number =>
  (squareCentimetresPerGram * gramsPerCubicCentimetre) / 10;

/** Muscle, tendon, vessels. */
export const SOFT_TISSUE = perMillimetre(0.2048, 1.06);
/** The layer under the skin; also the yellow marrow in the cavity of a shaft, which is nearly all fat. */
export const FAT = perMillimetre(0.1974, 0.95);
export const CORTICAL_BONE = perMillimetre(0.3148, 1.92);

/** The spongy bone of a metaphysis: marrow with a fifth of its volume filled by trabeculae (bone volume fraction 0.15 to 0.3). */
export const SPONGY_BONE = FAT + 0.2 * (CORTICAL_BONE - FAT);
