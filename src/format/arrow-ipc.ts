/** Arrow's stream format: how batches go to encoder threads, and to disk while they are sorted. */
import {
  AsyncByteQueue,
  RecordBatch,
  RecordBatchStreamWriter,
  type Schema,
  Struct,
  makeData,
  tableFromIPC,
} from 'apache-arrow'
import { InvalidDataError } from '../base/errors.ts'
import { memoizeWeak } from '../base/memo.ts'

/** In pieces, most of them the columns' own memory. */
export function printArrowStream(schema: Schema, batches: readonly RecordBatch[]): readonly Uint8Array[] {
  const pieces = new Pieces()
  const writer = new StreamWriter().reset(pieces, schema)
  for (const batch of batches) writer.write(batch)
  writer.close()
  return pieces.all
}

/** The message of a schema takes longer to make than that of a small batch. */
const schemaMessage = memoizeWeak((schema: Schema): Uint8Array => {
  const pieces = new Pieces()
  new RecordBatchStreamWriter().reset(pieces, schema).close()
  return Buffer.concat(pieces.all).subarray(0, -END_OF_STREAM_BYTES)
})
const END_OF_STREAM_BYTES = 8

class StreamWriter extends RecordBatchStreamWriter {
  protected override _writeSchema(schema: Schema): this {
    return this._write(schemaMessage(schema))
  }
}

class Pieces extends AsyncByteQueue {
  readonly all: Uint8Array[] = []

  override write(piece: Uint8Array): void {
    this.all.push(piece)
  }
}

/** The one batch of a stream that was printed here, under the very schema that it had. */
export function parseArrowBatch(bytes: Uint8Array, schema: Schema): RecordBatch {
  const [batch, ...others] = tableFromIPC(bytes).batches
  if (batch === undefined || others.length > 0) throw new InvalidDataError('not one batch of Arrow data')
  const { children } = batch.data
  const data = makeData({ type: new Struct(schema.fields), length: batch.numRows, nullCount: 0, children })
  return new RecordBatch(schema, data)
}
