import { conv2dGeometry, type Conv2dGeometry, type MatmulGeometry } from "@fracture/kernels";
import { z } from "zod";
import { InputError, readInput } from "../exitCodes.ts";

const size = z.number().int().min(1);
const pair = z.union([z.number().int().min(0), z.tuple([z.number().int().min(0), z.number().int().min(0)])]);
const matmulShapes = z
  .array(
    z.strictObject({
      m: size,
      n: size,
      k: size,
      transposeA: z.boolean().default(false),
      transposeB: z.boolean().default(false),
    }),
  )
  .min(1);
const convShapes = z
  .array(
    z.strictObject({
      n: size,
      h: size,
      w: size,
      c: size,
      k: size,
      r: size,
      s: size,
      stride: pair.default(1),
      padding: pair.default(0),
    }),
  )
  .min(1);

/** Products from a JSON file. Throws an InputError that says where it is wrong. */
export const readMatmulShapes = (file: string): Promise<MatmulGeometry[]> => readShapes(file, matmulShapes);

/** Convolutions from a JSON file. Throws an InputError that says where it is wrong, a GeometryError for sizes that don't fit together. */
export async function readConvShapes(file: string): Promise<Conv2dGeometry[]> {
  return (await readShapes(file, convShapes)).map((sizes) => conv2dGeometry(sizes));
}

async function readShapes<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readInput(file);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${file}: is not JSON (${(error as Error).message})`);
  }
  const { data, error } = schema.safeParse(parsed);
  if (error) {
    const { path, message } = error.issues[0]!;
    throw new InputError(`${file}: ${path.length > 0 ? `${z.core.toDotPath(path)}: ` : ""}${message}`);
  }
  return data;
}
