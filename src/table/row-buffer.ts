/** Rows that wait for the next flush of a buffered appender, as batches made for one state of the table. */
import type { RecordBatch } from 'apache-arrow'
import { batchSizeBytes } from '../format/arrow-concat.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'

export class RowBuffer {
  readonly batches: RecordBatch[] = []
  /** Aborted once the flush has begun: nobody need wait for its time any more. */
  readonly taken: AbortController = new AbortController()
  rows = 0
  sizeBytes = 0
  /** Of the stream, behind the last of the rows. */
  token: string | undefined
  /** The table that the batches were made for. */
  metadata: TableMetadata | undefined

  /** With a token there is something to commit even without rows. */
  get isEmpty(): boolean {
    return this.rows === 0 && this.token === undefined
  }

  add(batches: readonly RecordBatch[], metadata: TableMetadata, token: string | undefined): void {
    for (const batch of batches) {
      this.batches.push(batch)
      this.rows += batch.numRows
      this.sizeBytes += batchSizeBytes(batch)
    }
    this.metadata = metadata
    this.token = token
  }
}
