/**
 * A plan cut into parts for parallel readers, in other processes too: large files are split between row groups, small
 * ones go together, and each part is a text that any scan of the same snapshot, filter and columns can read.
 */
import { JsonCursor, type PrintableObject, parseJson, printJson } from '../base/json.ts'
import { ValidationError } from '../base/errors.ts'
import { residualOf } from '../expr/project.ts'
import { partitionTypes } from '../manifest/manifest-reader.ts'
import { parseDataFile, printDataFile } from '../spec/data-file-json.ts'
import { specById } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { PrimitiveType } from '../spec/types.ts'
import { foldMetadata } from './metadata-values.ts'
import type { ResolvedScan } from './resolve-scan.ts'
import type { DeleteFile, FileRange, FileScanTask } from './scan-task.ts'

/** A part of a scan. */
export interface ScanSplit {
  /** What `TableScan.readSplit` takes, in any process. */
  readonly text: string
  /** Files, or parts of files, and their size with that of their deletes. */
  readonly files: number
  readonly sizeBytes: number
}

export interface SplitSizes {
  /** Size of a split, as far as row groups allow. */
  readonly splitSizeBytes: number
  /** What a file weighs at least: many small ones are not as quickly read as their size tells. */
  readonly openFileCostBytes: number
  /** Splits that are kept open for files that fit in. */
  readonly lookback: number
}

const VERSION = 1

/** Packs tasks into splits as they come. Each row of each task is in exactly one split. */
export async function* splitTasks(
  tasks: AsyncIterable<FileScanTask>,
  sizes: SplitSizes,
): AsyncGenerator<readonly FileScanTask[], void, undefined> {
  const { splitSizeBytes, openFileCostBytes, lookback } = sizes
  const open: { readonly tasks: FileScanTask[]; weight: number }[] = []
  for await (const whole of tasks) {
    for (const task of splitFile(whole, splitSizeBytes)) {
      const weight = Math.max(sizeOf(task), openFileCostBytes * (1 + task.deletes.length))
      const roomy = open.find((each) => each.weight + weight <= splitSizeBytes)
      if (roomy !== undefined) {
        roomy.tasks.push(task)
        roomy.weight += weight
        continue
      }
      open.push({ tasks: [task], weight })
      if (open.length <= lookback) continue
      const heaviest = open.reduce((most, each) => (each.weight > most.weight ? each : most))
      open.splice(open.indexOf(heaviest), 1)
      yield heaviest.tasks
    }
  }
  for (const { tasks: packed } of open) yield packed
}

/** Ranges of the file that follow each other: a row group belongs to the one that it begins in. */
function splitFile(task: FileScanTask, splitSizeBytes: number): FileScanTask[] {
  const size = task.file.fileSizeInBytes
  const cuts: number[] = []
  let last = 0
  for (const offset of rowGroupStarts(task, splitSizeBytes)) {
    if (offset - last < splitSizeBytes) continue
    cuts.push(offset)
    last = offset
  }
  if (cuts.length === 0) return [task]
  // The last has no end: some writers record a size that is not the file's.
  const ranges = [0, ...cuts].map((start, i): FileRange => ({ start, end: cuts[i] }))
  return ranges.map((range) => Object.assign({}, task, { range, sizeBytes: (range.end ?? size) - range.start }))
}

/** Where row groups begin behind the first, as far as the metadata tells, else places anywhere. */
function rowGroupStarts({ file }: FileScanTask, splitSizeBytes: number): readonly number[] {
  const { splitOffsets, fileSizeInBytes } = file
  if (splitOffsets !== undefined) return splitOffsets.toSorted((a, b) => a - b).slice(1)
  return Array.from({ length: Math.ceil(fileSizeInBytes / splitSizeBytes) - 1 }, (_, i) => (i + 1) * splitSizeBytes)
}

function sizeOf({ sizeBytes, deletes }: FileScanTask): number {
  return deletes.reduce((sum, { file }) => sum + (file.contentSizeInBytes ?? file.fileSizeInBytes), sizeBytes)
}

type SplitScan = Pick<ResolvedScan, 'snapshot' | 'schema' | 'named' | 'filter' | 'partition'>

export function printSplit(tasks: readonly FileScanTask[], scan: SplitScan, metadata: TableMetadata): ScanSplit {
  const typesOf = partitionTypesOf(metadata)
  const printDelete = ({ file, sequenceNumber, range }: DeleteFile): PrintableObject => ({
    file: printDataFile(file, typesOf(file.specId)),
    'sequence-number': sequenceNumber,
    range: range && { offset: range.offset, length: range.length },
  })
  const text = printJson({
    version: VERSION,
    'snapshot-id': scan.snapshot?.snapshotId,
    tasks: tasks.map(({ file, sequenceNumber, deletes, range, sizeBytes }) => ({
      file: printDataFile(file, typesOf(file.specId)),
      'sequence-number': sequenceNumber,
      deletes: deletes.map(printDelete),
      range: range && { start: range.start, end: range.end },
      'size-bytes': sizeBytes,
    })),
  })
  return { text, files: tasks.length, sizeBytes: tasks.reduce((sum, task) => sum + sizeOf(task), 0) }
}

/** ValidationError where the split is of another snapshot than the scan; InvalidDataError where it is none. */
export function parseSplit(text: string, scan: SplitScan, metadata: TableMetadata): FileScanTask[] {
  const split = new JsonCursor(parseJson(text, 'split'), 'split')
  if (split.get('version').integer() !== VERSION) split.get('version').fail(`version ${VERSION}`)
  const snapshotId = split.get('snapshot-id').long()
  if (snapshotId !== scan.snapshot?.snapshotId) {
    throw new ValidationError(
      `the split is of snapshot ${snapshotId}, the scan of ${scan.snapshot?.snapshotId ?? 'none'}: open the scan with asOf { snapshotId: ${snapshotId}n }`,
    )
  }
  const typesOf = partitionTypesOf(metadata)
  return split
    .get('tasks')
    .array()
    .flatMap((cursor) => parseTask(cursor, scan, { metadata, typesOf }))
}

function parseTask(
  cursor: JsonCursor,
  scan: SplitScan,
  { metadata, typesOf }: { readonly metadata: TableMetadata; readonly typesOf: (specId: number) => PrimitiveType[] },
): FileScanTask[] {
  const file = parseDataFile(cursor.get('file'), typesOf)
  const spec = specById(metadata, file.specId)
  const residual = residualOf(scan.filter, spec, scan.schema)(file.partition)
  const task: FileScanTask = {
    file,
    sequenceNumber: cursor.get('sequence-number').long(),
    spec,
    residual,
    deletes: cursor
      .get('deletes')
      .array()
      .map((each) => parseDelete(each, typesOf)),
    range: cursor.optional('range', (range) => ({
      start: range.get('start').integer(),
      end: range.optional('end', (end) => end.integer()),
    })),
    sizeBytes: cursor.get('size-bytes').integer(),
  }
  if (scan.named === scan.schema) return residual.type === 'false' ? [] : [task]
  const folded = foldMetadata(residual, task, scan.partition)
  return folded.type === 'false' ? [] : [{ ...task, residual: folded }]
}

function parseDelete(cursor: JsonCursor, typesOf: (specId: number) => PrimitiveType[]): DeleteFile {
  return {
    file: parseDataFile(cursor.get('file'), typesOf),
    sequenceNumber: cursor.get('sequence-number').long(),
    range: cursor.optional('range', (range) => ({
      offset: range.get('offset').integer(),
      length: range.get('length').integer(),
    })),
  }
}

function partitionTypesOf(metadata: TableMetadata): (specId: number) => PrimitiveType[] {
  return (specId) => partitionTypes(specById(metadata, specId), metadata)
}
