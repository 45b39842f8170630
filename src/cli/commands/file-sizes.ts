/** `firn files --hist`: how large the files are, against the size that the table wants. */
import type { FileScanTask } from '../../scan/scan-task.ts'
import { TARGET_FILE_SIZE_BYTES, TARGET_FILE_SIZE_BYTES_DEFAULT, longProperty } from '../../spec/properties.ts'
import type { ReadableTable } from '../../table/readable-table.ts'
import type { CommandContext } from '../command.ts'
import { counted, formatBytes, formatCount } from '../output.ts'
import { TextTable } from '../text-table.ts'

const MIB = 2 ** 20
/** Upper ends. */
const BUCKETS = [MIB, 8 * MIB, 32 * MIB, 128 * MIB, 512 * MIB, Infinity]
/** Java's compaction takes files below this share of the target. */
const SMALL_SHARE = 0.75
const BAR_WIDTH = 30

interface Bucket {
  readonly fromBytes: number
  readonly toBytes: number
  files: number
  sizeBytes: number
  rows: bigint
}

export async function fileSizes(
  { output }: CommandContext,
  table: ReadableTable,
  tasks: AsyncIterable<FileScanTask>,
): Promise<void> {
  const targetBytes = longProperty(table.metadata.properties, TARGET_FILE_SIZE_BYTES, TARGET_FILE_SIZE_BYTES_DEFAULT)
  const buckets = BUCKETS.map((toBytes, i): Bucket => ({
    fromBytes: BUCKETS[i - 1] ?? 0,
    toBytes,
    files: 0,
    sizeBytes: 0,
    rows: 0n,
  }))
  let small = 0
  for await (const { file } of tasks) {
    const bucket = buckets.find(({ toBytes }) => file.fileSizeInBytes < toBytes)
    if (bucket === undefined) continue
    bucket.files += 1
    bucket.sizeBytes += file.fileSizeInBytes
    bucket.rows += BigInt(file.recordCount)
    if (file.fileSizeInBytes < SMALL_SHARE * targetBytes) small += 1
  }
  const files = buckets.reduce((sum, bucket) => sum + bucket.files, 0)
  const sizeBytes = buckets.reduce((sum, bucket) => sum + bucket.sizeBytes, 0)
  const json = {
    files,
    sizeBytes,
    targetFileSizeBytes: targetBytes,
    smallFiles: small,
    buckets: buckets.map(({ toBytes, ...bucket }) => ({ ...bucket, toBytes: toBytes === Infinity ? null : toBytes })),
  }
  await output.result(json, () => [
    ...chart(buckets, files, output.columns),
    `${counted(files, 'file')}, ${formatBytes(sizeBytes)}; ${formatCount(small)} smaller than ¾ of the target of ${Number((targetBytes / MIB).toFixed(1))} MiB`,
  ])
}

function chart(buckets: readonly Bucket[], files: number, width: number | undefined): string[] {
  const table = new TextTable(
    [
      { title: 'size', alignRight: true },
      { title: 'files', alignRight: true },
      { title: 'rows', alignRight: true },
      { title: 'bytes', alignRight: true },
      { title: '' },
    ],
    width,
  )
  return table.page(
    buckets.map((bucket) => [
      bucket.toBytes === Infinity ? `from ${bucket.fromBytes / MIB} MiB` : `below ${bucket.toBytes / MIB} MiB`,
      formatCount(bucket.files),
      formatCount(bucket.rows),
      formatBytes(bucket.sizeBytes),
      '█'.repeat(files === 0 ? 0 : Math.ceil((bucket.files / files) * BAR_WIDTH)),
    ]),
  )
}
