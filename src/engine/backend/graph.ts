import { createHash } from 'node:crypto';
import { parse } from 'protobufjs';

/**
 * A TensorFlow graph under construction, written as a SavedModel: only the few messages that
 * we need, from TensorFlow's public .proto definitions.
 */
const PROTO = `syntax = "proto3";
message Dim { int64 size = 1; }
message Shape { repeated Dim dim = 2; bool unknown_rank = 3; }
message TensorProto { int32 dtype = 1; Shape tensor_shape = 2; bytes tensor_content = 4; }
message ListValue {
  repeated bytes s = 2; repeated int64 i = 3; repeated float f = 4; repeated bool b = 5;
  repeated int32 type = 6; repeated Shape shape = 7;
}
message AttrValue {
  oneof value {
    ListValue list = 1; bytes s = 2; int64 i = 3; float f = 4; bool b = 5; int32 type = 6;
    Shape shape = 7; TensorProto tensor = 8;
  }
}
message NodeDef {
  string name = 1; string op = 2; repeated string input = 3; string device = 4;
  map<string, AttrValue> attr = 5;
}
message Versions { int32 producer = 1; int32 min_consumer = 2; }
message GraphDef { repeated NodeDef node = 1; Versions versions = 4; }
message MetaInfo { repeated string tags = 4; string tensorflow_version = 5; }
message MetaGraph { MetaInfo meta_info_def = 1; GraphDef graph_def = 2; }
message SavedModel { int64 saved_model_schema_version = 1; repeated MetaGraph meta_graphs = 2; }
`;
const SavedModel = parse(PROTO, { keepCase: true }).root.lookupType('SavedModel');

/** TensorFlow's DataType numbers. */
export const DT = { float32: 1, int32: 3, bool: 10, bfloat16: 14 } as const;

/** Graph version of TensorFlow 2.21; older runtimes of the 2.x line accept it. */
const PRODUCER = 1395;
const MIN_CONSUMER = 12;

export type Attr = Record<string, unknown>;
export type Attrs = Record<string, Attr>;
export const type = (dtype: number): Attr => ({ type: dtype });
export const shape = (extents: readonly number[]): Attr => ({ shape: shapeOf(extents) });

export const text = (value: string): Attr => ({ s: Buffer.from(value) });

/** The node of an input: `^name` and `name:1` are both of the node `name`. */
export const nodeOf = (input: string): string => input.replace(/^\^|:\d+$/g, '');

function shapeOf(extents: readonly number[]): { dim: { size: number }[] } {
  return { dim: extents.map((size) => ({ size })) };
}

export interface GraphNode {
  name: string;
  op: string;
  input: string[];
  attr: Attrs;
}

export class Graph {
  readonly nodes: GraphNode[] = [];
  private readonly constants = new Map<string, string>();

  /** Adds a node and returns its name, which is also its first output. */
  add(op: string, input: string[], attr: Attrs, name = `${op}_${this.nodes.length}`): string {
    this.nodes.push({ name, op, input, attr });
    return name;
  }

  /** The same values twice are one node: axes and shapes are most of a graph, and repeat. */
  constant(dtype: number, extents: readonly number[], bytes: Uint8Array): string {
    const content = bytes.length <= 64 ? bytes : createHash('sha256').update(bytes).digest();
    const key = `${dtype} [${extents.join()}] ${content.join()}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const value = { dtype, tensor_shape: shapeOf(extents), tensor_content: bytes };
    const node = this.add('Const', [], { dtype: type(dtype), value: { tensor: value } });
    this.constants.set(key, node);
    return node;
  }

  placeholder(dtype: number, extents: readonly number[], name: string): string {
    return this.add('Placeholder', [], { dtype: type(dtype), shape: shape(extents) }, name);
  }

  /** The bytes of saved_model.pb. */
  encode(): Uint8Array {
    const message = SavedModel.fromObject({
      saved_model_schema_version: 1,
      meta_graphs: [
        {
          meta_info_def: { tags: ['serve'], tensorflow_version: '2.21.0' },
          graph_def: {
            node: this.nodes,
            versions: { producer: PRODUCER, min_consumer: MIN_CONSUMER },
          },
        },
      ],
    });
    return SavedModel.encode(message).finish();
  }
}
