/** A graph as the bytes of a SavedModel (`saved_model.proto`), with the tag `serve`. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Shape } from "../../../tensor/ops.js";
import {
  type Attr,
  boolAttr,
  type TfArgument,
  type TfConstant,
  type TfFunction,
  type TfGraph,
  type TfNode,
  tfTypes,
} from "./types.js";

/** The graph format's version (`versions.proto`): one that every TensorFlow since 2.5 reads. */
const PRODUCER = 561;
export const SERVE_TAG = "serve";

type Write = (w: BinaryWriter) => void;

function message(w: BinaryWriter, field: number, write: Write): void {
  w.tag(field, WireType.LengthDelimited).fork();
  write(w);
  w.join();
}
function text(w: BinaryWriter, field: number, value: string): void {
  w.tag(field, WireType.LengthDelimited).string(value);
}
function whole(w: BinaryWriter, field: number, value: number): void {
  w.tag(field, WireType.Varint).int64(value);
}
function entry(w: BinaryWriter, field: number, key: string, value: Write): void {
  message(w, field, (m) => {
    text(m, 1, key);
    value(m);
  });
}

function shape(w: BinaryWriter, value: Shape | undefined): void {
  if (value === undefined) w.tag(3, WireType.Varint).bool(true);
  else for (const size of value) message(w, 2, (m) => whole(m, 1, size));
}

function constant(w: BinaryWriter, value: TfConstant): void {
  whole(w, 1, tfTypes[value.type]);
  message(w, 2, (m) => shape(m, value.shape));
  w.tag(4, WireType.LengthDelimited).bytes(value.bytes);
}

type AttrOf<K extends Attr["kind"]> = Extract<Attr, { readonly kind: K }>;

const attributes: {
  readonly [K in Attr["kind"]]: (w: BinaryWriter, value: AttrOf<K>["value"]) => void;
} = {
  type: (w, value) => whole(w, 6, tfTypes[value]),
  types: (w, value) =>
    message(w, 1, (list) => {
      list.tag(6, WireType.LengthDelimited).fork();
      for (const type of value) list.int32(tfTypes[type]);
      list.join();
    }),
  shape: (w, value) => message(w, 7, (m) => shape(m, value)),
  unknownShapes: (w, value) =>
    message(w, 1, (list) => {
      for (let k = 0; k < value; k++) message(list, 7, (m) => shape(m, undefined));
    }),
  int: (w, value) => whole(w, 3, value),
  bool: (w, value) => {
    w.tag(5, WireType.Varint).bool(value);
  },
  text: (w, value) => text(w, 2, value),
  tensor: (w, value) => message(w, 8, (m) => constant(m, value)),
  function: (w, value) => message(w, 10, (m) => text(m, 1, value)),
};

function attribute(w: BinaryWriter, attr: Attr): void {
  // The entry at `attr.kind` takes exactly this member's value.
  const write = attributes[attr.kind] as (w: BinaryWriter, value: Attr["value"]) => void;
  write(w, attr.value);
}

function node(w: BinaryWriter, n: TfNode): void {
  text(w, 1, n.name);
  text(w, 2, n.op);
  for (const input of n.inputs) text(w, 3, input);
  for (const [name, attr] of Object.entries(n.attrs)) {
    entry(w, 5, name, (m) => message(m, 2, (value) => attribute(value, attr)));
  }
}

function argument(w: BinaryWriter, a: TfArgument): void {
  text(w, 1, a.name);
  whole(w, 3, tfTypes[a.type]);
}

/** By this attribute of a function TensorFlow's optimisers pass it over. */
const PASSED_OVER = "_tf_data_function";

function functionOf(w: BinaryWriter, f: TfFunction, isPassedOver: boolean): void {
  message(w, 1, (signature) => {
    text(signature, 1, f.name);
    for (const a of f.inputs) message(signature, 2, (m) => argument(m, a));
    for (const a of f.outputs) message(signature, 3, (m) => argument(m, a));
  });
  for (const n of f.nodes) message(w, 3, (m) => node(m, n));
  for (const [name, source] of Object.entries(f.results)) {
    entry(w, 4, name, (m) => text(m, 2, source));
  }
  if (isPassedOver) {
    entry(w, 5, PASSED_OVER, (m) => message(m, 2, (v) => attribute(v, boolAttr(true))));
  }
}

/** The bytes of `saved_model.pb`. */
export function encodeSavedModel(graph: TfGraph): Uint8Array {
  const w = new BinaryWriter();
  whole(w, 1, 1);
  message(w, 2, (meta) => {
    message(meta, 1, (info) => text(info, 4, SERVE_TAG));
    message(meta, 2, (g) => {
      for (const n of graph.nodes) message(g, 1, (m) => node(m, n));
      message(g, 2, (library) => {
        for (const f of graph.functions)
          message(library, 1, (m) => functionOf(m, f, graph.isFinal));
      });
      message(g, 4, (versions) => whole(versions, 1, PRODUCER));
    });
  });
  return w.finish();
}
