/** A word as a POSIX shell takes it: as it is, or in quotes. */
export const shellQuoted = (word: string): string =>
  /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
