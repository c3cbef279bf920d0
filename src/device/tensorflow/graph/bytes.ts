/** Numbers as the bytes of TensorFlow's tensors. */
import { internalError } from "../../../base/internal.js";
import { singles } from "../../single.js";
import type { TfType } from "./types.js";

function typed(type: TfType, data: ArrayLike<number>): ArrayBufferView {
  switch (type) {
    case "float":
      return singles(data);
    case "double":
      return data instanceof Float64Array ? data : Float64Array.from(data);
    case "int32":
      return Int32Array.from(data);
    case "int64":
      return BigInt64Array.from(Array.from(data, BigInt));
    case "uint64":
      return BigUint64Array.from(Array.from(data, BigInt));
    case "bool":
      return Uint8Array.from(data);
    default:
      return internalError(`constants of ${type}`);
  }
}

/** The elements in order, little-endian. */
export function bytesOf(type: TfType, data: ArrayLike<number>): Uint8Array {
  const { buffer, byteOffset, byteLength } = typed(type, data);
  return new Uint8Array(buffer, byteOffset, byteLength);
}
