/** The deletes of one task, read and ready to be applied to its batches: read-task.ts opens them beside the data file. */
import type { RecordBatch } from 'apache-arrow'
import type { PositionSet } from '../format/roaring.ts'
import type { NestedField, Schema } from '../spec/types.ts'
import { ByteCache } from './byte-cache.ts'
import { type EqualityContext, EqualityDeletes } from './equality-deletes.ts'
import type { RowMask } from './filter-batch.ts'
import { mergeFields } from './merge-fields.ts'
import { readPositionDeletes } from './position-deletes.ts'
import type { FileScanTask } from './scan-task.ts'

/** Rows deleted of a file, and what it takes to tell. */
export interface TaskDeletes {
  /** Columns that batches must have; none where rows are deleted by position only. */
  readonly columns: readonly NestedField[]
  /** For batches laid out as `schema`: which of their rows are left, undefined where all are. */
  bind(schema: Schema): (batch: RecordBatch, position: number) => RowMask | undefined
  close(): void
}

/** Reads deletes for one run of a scan, whose tasks share them. */
export class DeleteReader {
  readonly #context: EqualityContext
  readonly #cache: ByteCache
  readonly #equality: EqualityDeletes

  /** `maxBytes` bounds the keys of equality deletes, and apart from them what is kept of position deletes. */
  constructor(context: EqualityContext, maxBytes: number) {
    this.#context = context
    this.#cache = new ByteCache(maxBytes)
    this.#equality = new EqualityDeletes(context, maxBytes)
  }

  /** Undefined where no delete file applies. Errors: InvalidDataError, UnsupportedError (formats, memory), the store's. */
  async open(task: FileScanTask): Promise<TaskDeletes | undefined> {
    if (task.deletes.length === 0) return undefined
    const { io, signal } = this.#context
    const { tests, close } = await this.#equality.open(task)
    try {
      const positions = await readPositionDeletes(task, { io, cache: this.#cache, signal })
      return {
        columns: tests.reduce<readonly NestedField[]>((fields, { columns }) => mergeFields(fields, columns), []),
        bind: (schema) =>
          bindDeletes(
            positions,
            tests.map((test) => test.bind(schema)),
          ),
        close,
      }
    } catch (error) {
      close()
      throw error
    }
  }
}

function bindDeletes(
  positions: PositionSet | undefined,
  tests: readonly ((batch: RecordBatch, mask: RowMask) => void)[],
): (batch: RecordBatch, position: number) => RowMask | undefined {
  return (batch, position) => {
    const mask = new Uint8Array(batch.numRows).fill(1)
    positions?.clearRange(mask, position)
    for (const test of tests) test(batch, mask)
    return mask.includes(0) ? mask : undefined
  }
}
