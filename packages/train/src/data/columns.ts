/** What a CSV file says of its pictures beyond path, label, split and patient. */
export interface Columns {
  /** In the file's order. */
  readonly names: readonly string[];
  /** By path, by column; "" for an empty cell. */
  readonly of: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** The column in which `splitData` says which pictures it kept together: made by us, it tells nothing of the pictures. */
export const GROUP_COLUMN = "split_group";

const OURS: ReadonlySet<string> = new Set(["path", "label", "split", "patient", GROUP_COLUMN]);

/** The names of a header that are the user's own. */
export const ownColumns = (header: readonly string[]): string[] =>
  header.filter((name) => name !== "" && !OURS.has(name));
