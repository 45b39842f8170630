/** A buffered appender as the end of a pipeline of Node streams. */
import { Writable } from 'node:stream'
import { callbackify } from 'node:util'
import type { AppendInput } from '../write/append-input.ts'

export interface RowsWritableOptions {
  /** The token of the stream behind a row. Required where the appender has a stream. */
  readonly tokenOf?: ((row: object) => string) | undefined
  /** Rows that wait in the stream itself; 1,024. */
  readonly highWaterMark?: number | undefined
}

/** What the stream needs of an appender. */
interface RowSink {
  append(input: AppendInput, options: { readonly token?: string | undefined }): Promise<void>
  close(): Promise<void>
  abort(reason: unknown): void
}

/** Takes a row for each chunk; its end closes the appender, an error upstream aborts it. */
export function rowsWritable(sink: RowSink, { tokenOf, highWaterMark = 1024 }: RowsWritableOptions): Writable {
  const append = callbackify((rows: readonly object[]): Promise<void> => {
    const last = rows.at(-1)
    return sink.append(rows, { token: last === undefined ? undefined : tokenOf?.(last) })
  })
  const close = callbackify((): Promise<void> => sink.close())
  return new Writable({
    objectMode: true,
    highWaterMark,
    write: (row: object, _, done) => append([row], done),
    writev: (chunks, done) =>
      append(
        chunks.map(({ chunk }) => chunk as object),
        done,
      ),
    final: close,
    destroy(error, done) {
      if (error !== null) sink.abort(error)
      done(error)
    },
  })
}
