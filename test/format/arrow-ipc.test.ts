import { Field, Int32, RecordBatchStreamWriter, Schema, Table, tableFromArrays, tableFromIPC } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { printArrowStream } from '../../src/format/arrow-ipc.ts'

const print = ({ schema, batches }: Table): Buffer => Buffer.concat(printArrowStream(schema, batches))

describe('Arrow streams', () => {
  it('are those of arrow-js, the first of a schema and the next', () => {
    // Text of arrays comes as dictionaries, which follow the schema.
    const table = tableFromArrays({ a: Int32Array.of(1, 2, 3), b: ['x', 'y', 'x'] })
    const expected = Buffer.from(RecordBatchStreamWriter.writeAll(table).toUint8Array(true))
    expect(print(table)).toEqual(expected)
    expect(print(table)).toEqual(expected)
    expect(tableFromIPC(print(table)).toString()).toBe(table.toString())
  })

  it('of no batches tell the schema', () => {
    const schema = new Schema([new Field('a', new Int32(), true, new Map([['k', 'v']]))])
    for (let i = 0; i < 2; i++) {
      const read = tableFromIPC(print(new Table(schema)))
      expect(read.numRows).toBe(0)
      expect(read.schema.fields[0]?.metadata.get('k')).toBe('v')
    }
  })
})
