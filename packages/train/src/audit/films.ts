import { mayPass } from "../data/dicom/codecs.ts";
import { Copies } from "./copies.ts";
import { fingerprintsOf, type FingerprintsOptions } from "./fingerprints.ts";
import { keptFindings } from "./keptFindings.ts";

/**
 * Which of some pictures show one film (see `nearPairs`): their indices, two and more each. Of files that can't be read nothing is
 * said. Kept in the cache folder by the listing.
 *
 * Throws the signal's reason where it aborts.
 */
export async function filmsAmong(
  paths: readonly string[],
  options: FingerprintsOptions,
): Promise<readonly (readonly number[])[]> {
  const files = paths.map((path) => ({ path, facts: [] }));
  let lasts = true;
  const films = async (): Promise<number[][]> => {
    const prints = await fingerprintsOf(paths, options);
    lasts = !prints.some((print) => "unreadable" in print && mayPass(print.unreadable));
    const found = prints.flatMap((print, place) => ("unreadable" in print ? [] : [{ print, place }]));
    const { groups } = await Copies.find(
      found.map(({ print }) => print),
      options.signal,
    );
    return groups.map((group) => group.map((i) => found[i]!.place));
  };
  return keptFindings(options.cacheFolder, { terms: ["films"], files }, films, { lasts: () => lasts });
}
