import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder and those above it that are missing, as `mkdir -p`. Node's own `recursive` never returns on file systems that refuse
 * a folder as if the one above it were missing (/proc); this throws what the system says: ENOENT, ENOTDIR, EACCES, ...
 */
export async function makeFolder(path: string): Promise<void> {
  const refused = await mkdir(path).then(
    () => null,
    (error: NodeJS.ErrnoException) => error,
  );
  if (refused === null) return;
  const { code } = refused;
  if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
  const above = dirname(path);
  if (code !== "ENOENT" || above === path || (await exists(above))) throw refused;
  await makeFolder(above);
  await makeFolder(path);
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
