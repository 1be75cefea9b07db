/** A geometry that no kernel can serve: names the kernel, the rule and the sizes that break it. */
export class GeometryError extends Error {
  override readonly name = "GeometryError";
  readonly kernel: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(kernel: string, rule: string, details: Readonly<Record<string, unknown>> = {}) {
    const shown = Object.entries(details).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
    super(`${kernel}: ${rule}${shown.length > 0 ? ` (${shown.join(", ")})` : ""}`);
    this.kernel = kernel;
    this.details = details;
  }
}

/** Something that this device can't hold or run, and by how much. */
export class DeviceLimitError extends Error {
  override readonly name = "DeviceLimitError";
  readonly limit: string;
  readonly needed: number;
  readonly available: number;

  constructor(what: string, limit: string, needed: number, available: number) {
    super(`${what} needs ${limit} ${needed}, the device has ${available}`);
    this.limit = limit;
    this.needed = needed;
    this.available = available;
  }
}
