/** Batches of rows → data files → the table's queue of commits: what `append` and the buffered appender have in common. */
import type { RecordBatch } from 'apache-arrow'
import { checkWritable } from '../manifest/manifest-writer.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { AppendFiles } from '../transaction/append-member.ts'
import type { AppendQueue } from '../transaction/append-queue.ts'
import type { TableOperations } from '../transaction/operations.ts'
import { TableWriter } from '../write/table-writer.ts'
import type { TableWriterOptions, WriteResult } from '../write/table-writer.ts'

/** `snapshotId` is undefined where there was nothing to append: no snapshot is made. */
export interface AppendResult {
  readonly rows: bigint
  readonly files: number
  readonly sizeBytes: number
  readonly snapshotId: bigint | undefined
  readonly attempts: number
}

/** Where appends of one table handle go. */
export interface AppendTarget {
  readonly operations: TableOperations
  readonly queue: AppendQueue
}

export interface AppendRows
  extends
    Pick<AppendFiles, 'summary' | 'properties' | 'check'>,
    Pick<TableWriterOptions, 'memoryBytes' | 'tempFolder'> {
  /** The table that the batches were made for. */
  readonly metadata: TableMetadata
  readonly batches: Iterable<RecordBatch> | AsyncIterable<RecordBatch>
  readonly signal: AbortSignal | undefined
}

/** One commit, all or nothing. With no rows only the properties are set, where there are any. */
export async function appendRows({ operations, queue }: AppendTarget, rows: AppendRows): Promise<AppendResult> {
  const { metadata, signal, summary, properties, check } = rows
  checkWritable(metadata.formatVersion)
  const written = await writeFiles(operations, rows)
  const files = written.dataFiles.length
  if (files === 0 && properties === undefined) {
    return { rows: 0n, files, sizeBytes: 0, snapshotId: undefined, attempts: 0 }
  }
  const { snapshotId, attempts } = await queue.commit({ ...written, summary, properties, check }, signal)
  const sizeBytes = written.dataFiles.reduce((sum, file) => sum + file.fileSizeInBytes, 0)
  return { rows: BigInt(written.rows), files, sizeBytes, snapshotId, attempts }
}

async function writeFiles(
  { io, runtime, reporter }: TableOperations,
  { metadata, batches, signal, memoryBytes, tempFolder }: AppendRows,
): Promise<WriteResult> {
  const writeId = runtime.uuid()
  const writer = new TableWriter({ io, runtime, metadata, writeId, reporter, signal, memoryBytes, tempFolder })
  try {
    for await (const batch of batches) await writer.write(batch)
    return await writer.close()
  } catch (error) {
    await writer.abort()
    throw error
  }
}
