import type { Budget } from "../budget.ts";
import { Cursor, decodeUtf8 } from "../cursor.ts";
import { WeightsError, shown } from "../errors.ts";
import { StorageRef, StoredData } from "./tensors.ts";
import { AllowedGlobal, TorchWorld, asSize } from "./torchWorld.ts";
import { unpickle } from "./unpickle.ts";
import type { PickleValue } from "./values.ts";
import { ZipArchive } from "./zip.ts";

/**
 * torch.save since 1.6: a zip archive with `<prefix>/data.pkl`, a member `<prefix>/data/<key>` for each storage and sometimes
 * `<prefix>/byteorder`. Source: torch/serialization.py, `_save` and `_load`.
 */
export function readZipPth(bytes: Uint8Array<ArrayBuffer>, budget: Budget): PickleValue {
  const zip = new ZipArchive(bytes, budget);
  const prefix = findPrefix(zip);
  const bigEndian = isBigEndian(zip, `${prefix}byteorder`);
  const storages = new Map<string, Uint8Array<ArrayBuffer>>();

  const persistent = (id: PickleValue): PickleValue => {
    const [kind, type, key, , numel = null] = Array.isArray(id) ? (id as readonly PickleValue[]) : [];
    const elementType = type instanceof AllowedGlobal ? type.elementType : null;
    if (kind !== "storage" || !elementType || (typeof key !== "string" && typeof key !== "number"))
      throw new WeightsError("corrupt", "data.pkl refers to something other than a storage");
    const member = `${prefix}data/${key}`;
    const data = new StoredData(
      `storage ${shown(String(key))}`,
      elementType,
      asSize(numel, `storage ${shown(String(key))}`),
    );
    const content = storages.get(member) ?? zip.read(member);
    storages.set(member, content);
    if (content.length < data.byteLength)
      throw new WeightsError(
        "corrupt",
        `${data.title} should hold ${data.count} elements of ${elementType} (${data.byteLength} bytes), but ${shown(member)} has ${content.length} bytes`,
      );
    data.bytes = content;
    data.bigEndian = bigEndian;
    return new StorageRef(data);
  };
  return unpickle(new Cursor(zip.read(`${prefix}data.pkl`), "data.pkl"), new TorchWorld("data.pkl", persistent));
}

function findPrefix(zip: ZipArchive): string {
  const names = [...zip.names()];
  if (names.some((name) => /^(?:[^/]*\/)?constants\.pkl$/.test(name)))
    throw new WeightsError(
      "unsupported",
      "a TorchScript archive: a program, not weights. In Python: torch.save(torch.jit.load(path).state_dict(), other)",
    );
  const pickles = names.filter((name) => /^(?:[^/]*\/)?data\.pkl$/.test(name));
  const [pickle] = pickles;
  if (pickle === undefined)
    throw new WeightsError(
      "format",
      `a zip archive, but not one of torch.save: it has no data.pkl (${names.length} members)`,
    );
  if (pickles.length > 1) throw new WeightsError("corrupt", `a zip archive with ${pickles.length} members data.pkl`);
  return pickle.slice(0, -"data.pkl".length);
}

function isBigEndian(zip: ZipArchive, name: string): boolean {
  if (!zip.has(name)) return false;
  const order = decodeUtf8(zip.read(name), "byteorder");
  if (order !== "little" && order !== "big") throw new WeightsError("corrupt", `a byte order ${shown(order)}`);
  return order === "big";
}
