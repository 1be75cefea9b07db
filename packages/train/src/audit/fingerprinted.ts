import type { UnreadablePicture } from "../data/loadPictures.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { fingerprintsOf, type FingerprintsOptions } from "./fingerprints.ts";

/** Files with their fingerprints, and those that can't be read by their names. Throws the signal's reason where it aborts. */
export async function fingerprinted<T extends { readonly path: string; readonly name: string }>(
  files: readonly T[],
  options: FingerprintsOptions,
): Promise<{ pictures: (T & { readonly print: Fingerprint })[]; unreadable: UnreadablePicture[] }> {
  const prints = await fingerprintsOf(
    files.map(({ path }) => path),
    options,
  );
  const pictures: (T & { readonly print: Fingerprint })[] = [];
  const unreadable: UnreadablePicture[] = [];
  files.forEach((file, i) => {
    const print = prints[i]!;
    if ("unreadable" in print) unreadable.push({ path: file.name, reason: print.unreadable });
    else pictures.push({ ...file, print });
  });
  return { pictures, unreadable };
}
