/**
 * What a TensorFlow graph is made of, as its protocol buffers have it (tensorflow/core/framework:
 * `graph.proto`, `node_def.proto`, `attr_value.proto`, `function.proto`).
 */
import type { Shape } from "../../../tensor/ops.js";

/** Numbers of `DataType` in `types.proto`. */
export const tfTypes = {
  float: 1,
  double: 2,
  int32: 3,
  int64: 9,
  bool: 10,
  resource: 20,
  variant: 21,
  uint32: 22,
  uint64: 23,
} as const;
export type TfType = keyof typeof tfTypes;

/** A constant: elements in row-major order as bytes, or one number for all. */
export interface TfConstant {
  readonly type: TfType;
  readonly shape: Shape;
  /** Little-endian. */
  readonly bytes: Uint8Array;
}

export type Attr =
  | { readonly kind: "type"; readonly value: TfType }
  | { readonly kind: "types"; readonly value: readonly TfType[] }
  /** A size below 0 is not known; no shape: nor is the rank. */
  | { readonly kind: "shape"; readonly value: Shape | undefined }
  /** So many shapes of which not even the ranks are known. */
  | { readonly kind: "unknownShapes"; readonly value: number }
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "tensor"; readonly value: TfConstant }
  /** The name of a function of the library. */
  | { readonly kind: "function"; readonly value: string };
export type Attrs = Readonly<Record<string, Attr>>;

export interface TfNode {
  readonly name: string;
  readonly op: string;
  /** `node:output` in a graph, `node:result:place` or an argument in a function, `^node`. */
  readonly inputs: readonly string[];
  readonly attrs: Attrs;
}

export interface TfArgument {
  readonly name: string;
  readonly type: TfType;
}

export interface TfFunction {
  readonly name: string;
  readonly inputs: readonly TfArgument[];
  readonly outputs: readonly TfArgument[];
  readonly nodes: readonly TfNode[];
  /** Of each output, where it comes from. */
  readonly results: Readonly<Record<string, string>>;
}

export interface TfGraph {
  readonly nodes: readonly TfNode[];
  readonly functions: readonly TfFunction[];
  /** Whether functions are taken as they are: TensorFlow's optimisers pass them over. */
  readonly isFinal: boolean;
}

export const typeAttr = (value: TfType): Attr => ({ kind: "type", value });
export const boolAttr = (value: boolean): Attr => ({ kind: "bool", value });
export const intAttr = (value: number): Attr => ({ kind: "int", value });
