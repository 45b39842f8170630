/** Skips values of fields that a reader has no use for, and walks the items of arrays, for avro-codec.ts. */
import type { AvroCursor } from './avro-cursor.ts'
import type { AvroNode } from './avro-schema.ts'

/** The function that moves a cursor past one value of a type. */
export function avroSkip(node: AvroNode): (cursor: AvroCursor) => void {
  switch (node.kind) {
    case 'null':
      return () => {}
    case 'boolean':
      return (cursor) => cursor.skip(1)
    case 'float':
      return (cursor) => cursor.skip(4)
    case 'double':
      return (cursor) => cursor.skip(8)
    case 'int':
    case 'long':
    case 'enum':
      return (cursor) => cursor.skipLong()
    case 'bytes':
    case 'string':
      return (cursor) => cursor.skipBytes()
    case 'fixed':
      return (cursor) => cursor.skip(node.size)
    case 'array':
      return skipItems(avroSkip(node.items))
    case 'map':
      return skipItems(skipAll([avroSkip({ kind: 'string', logicalType: undefined }), avroSkip(node.values)]))
    case 'record':
      return skipAll(node.fields.map(({ type }) => avroSkip(type)))
    case 'union': {
      const branches = node.branches.map(avroSkip)
      return (cursor) => (branches[cursor.number()] ?? cursor.fail('a union has no such branch'))(cursor)
    }
  }
}

function skipAll(parts: readonly ((cursor: AvroCursor) => void)[]): (cursor: AvroCursor) => void {
  return (cursor) => {
    for (const skip of parts) skip(cursor)
  }
}

function skipItems(skip: (cursor: AvroCursor) => void): (cursor: AvroCursor) => void {
  return (cursor) => forEachItem(cursor, () => skip(cursor))
}

/** Runs `read` for every item of an array or map. */
export function forEachItem(cursor: AvroCursor, read: () => void): void {
  for (let count = cursor.blockCount(); count > 0; count = cursor.blockCount()) {
    const end = cursor.offset + count
    for (let i = 0; i < count; i += 1) read()
    checkBlock(cursor, end)
  }
}

/** Items of no bytes are refused: any number of them fits anywhere. `end` is the least offset after a block. */
export function checkBlock(cursor: AvroCursor, end: number): void {
  if (cursor.offset < end) cursor.fail('an array has items of no bytes')
}
