/**
 * Rows deleted by their number: position delete files and deletion vectors, as sets of positions of one data file.
 * delete-reader.ts asks for each task; what tasks share is read once while the cache has room for it.
 */
import { InvalidDataError } from '../base/errors.ts'
import { mapConcurrent } from '../base/concurrency.ts'
import { decodeDeletionVector } from '../format/deletion-vector.ts'
import { planProjection } from '../format/parquet-projection.ts'
import { readProjected } from '../format/parquet-reader.ts'
import type { OpenParquetSource } from '../format/parquet-source.ts'
import { columnStats } from '../format/parquet-stats.ts'
import { type PositionSet, positionSetOf, unionPositions } from '../format/roaring.ts'
import type { FileIO } from '../io/file-io.ts'
import { DELETE_FILE_PATH, DELETE_POS } from '../spec/metadata-columns.ts'
import { printNameMapping } from '../spec/name-mapping.ts'
import type { Schema } from '../spec/types.ts'
import { comparatorOf } from '../spec/value.ts'
import type { ByteCache } from './byte-cache.ts'
import { openDataFile } from './open-data-file.ts'
import { type DeleteFile, type FileScanTask, isDeletionVector } from './scan-task.ts'

export interface PositionDeleteContext {
  readonly io: FileIO
  readonly cache: ByteCache
  readonly signal?: AbortSignal | undefined
}

const FILES_IN_FLIGHT = 4
const DELETE_SCHEMA: Schema = { schemaId: 0, identifierFieldIds: [], fields: [DELETE_FILE_PATH, DELETE_POS] }
/** Some writers leave field ids out: the names are the specification's as well. */
const NAMES = printNameMapping([DELETE_FILE_PATH, DELETE_POS].map(({ name, id }) => ({ fieldId: id, names: [name] })))
/** Memory of a container of positions besides its values, about. */
const CONTAINER_OVERHEAD = 100
/** Of small files all bytes stay with the opened source, of others the end. */
const MAX_HELD_BYTES = 2 ** 20

/** The rows of the task's file that its position deletes or its vector delete; undefined where it has none. */
export async function readPositionDeletes(
  { file, deletes }: FileScanTask,
  context: PositionDeleteContext,
): Promise<PositionSet | undefined> {
  const byPosition = deletes.filter((each) => each.file.content === 'position-deletes')
  const read = (each: DeleteFile): Promise<readonly PositionSet[]> =>
    isDeletionVector(each) ? readVector(each, context) : readPositions(each, file.filePath, context)
  const sets: PositionSet[] = []
  for await (const found of mapConcurrent(byPosition, FILES_IN_FLIGHT, read, context.signal)) sets.push(...found)
  const [only] = sets
  return sets.length < 2 ? only : unionPositions(sets)
}

/** The blob names no data file, so that one listed for another file than it was made for can't be told (nor in Java). */
async function readVector({ file, range }: DeleteFile, context: PositionDeleteContext): Promise<PositionSet[]> {
  const { filePath, contentOffset = 0, contentSizeInBytes = 0, recordCount } = file
  const { io, cache, signal } = context
  const from = range ?? { offset: contentOffset, length: contentSizeInBytes }
  const fetched = await cache.get(
    `${from.offset} ${filePath}`,
    async () => (await io.readRange(filePath, from, { signal })).bytes,
    (bytes) => bytes.length,
  )
  const start = contentOffset - from.offset
  const positions = decodeDeletionVector(fetched.subarray(start, start + contentSizeInBytes), filePath)
  if (positions.cardinality === recordCount) return [positions]
  throw new InvalidDataError(
    `${filePath}: the deletion vector at ${contentOffset} has ${positions.cardinality} positions, its manifest says ${recordCount}`,
    { context: { location: filePath, offset: contentOffset } },
  )
}

/** By row group: those whose statistics leave out the data file are not read. */
async function readPositions(
  { file }: DeleteFile,
  dataFile: string,
  { io, cache, signal }: PositionDeleteContext,
): Promise<PositionSet[]> {
  const { filePath, fileSizeInBytes } = file
  const source = await cache.get(
    `footer ${filePath}`,
    () => openDataFile(file, io, { nameMapping: NAMES, signal }),
    () => Math.min(fileSizeInBytes, MAX_HELD_BYTES),
  )
  const sets: PositionSet[] = []
  for (const rowGroup of source.footer.rowGroups.keys()) {
    if (!mayHold(source, rowGroup, dataFile)) continue
    const byPath = await cache.get(
      `${rowGroup} ${filePath}`,
      () => decodeRowGroup(source, rowGroup, signal),
      weighPositions,
    )
    const found = byPath.get(dataFile)
    if (found !== undefined) sets.push(found)
  }
  return sets
}

function mayHold({ footer }: OpenParquetSource, rowGroup: number, dataFile: string): boolean {
  const chunk = footer.rowGroups[rowGroup]?.columns.find(({ leaf }) => leaf.fieldId === DELETE_FILE_PATH.id)
  if (chunk === undefined) return true
  const { lower, upper } = columnStats(chunk, { kind: 'string' })
  const compare = comparatorOf({ kind: 'string' })
  return (
    !(lower !== undefined && compare(lower, dataFile) > 0) && !(upper !== undefined && compare(upper, dataFile) < 0)
  )
}

/** Rows may come in any order, whatever the specification says: Java doesn't mind either. */
async function decodeRowGroup(
  source: OpenParquetSource,
  rowGroup: number,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, PositionSet>> {
  const { footer, location } = source
  const projection = planProjection(footer, DELETE_SCHEMA, { location })
  const runs = new Map<string, BigInt64Array[]>()
  for await (const { batch } of readProjected(source, projection, { rowGroups: [rowGroup], signal })) {
    const [paths, positions] = batch.data.children
    if (paths === undefined || positions === undefined || paths.nullCount + positions.nullCount > 0) {
      throw new InvalidDataError(`${location}: a position delete file has nulls`, { context: { location } })
    }
    const { valueOffsets } = paths
    const bytes = paths.values as Uint8Array
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let row = 0; row < batch.numRows;) {
      const end = endOfRun(bytes, valueOffsets, row, batch.numRows)
      const path = text.toString('utf8', valueOffsets[row], valueOffsets[row + 1])
      const run = (positions.values as BigInt64Array).slice(row, end)
      const known = runs.get(path)
      if (known === undefined) runs.set(path, [run])
      else known.push(run)
      row = end
    }
  }
  return new Map([...runs].map(([path, parts]) => [path, positionSetOf(valuesOf(parts), location)]))
}

/** Where the rows end that repeat the path of row `first`. */
function endOfRun(bytes: Uint8Array, offsets: Int32Array, first: number, rows: number): number {
  const start = offsets[first] as number
  const length = (offsets[first + 1] as number) - start
  let row = first + 1
  for (; row < rows; row++) {
    const at = offsets[row] as number
    if ((offsets[row + 1] as number) - at !== length) return row
    // Paths of one table differ near their ends.
    for (let i = length - 1; i >= 0; i--) if (bytes[at + i] !== bytes[start + i]) return row
  }
  return row
}

function* valuesOf(parts: readonly BigInt64Array[]): Generator<bigint, void, undefined> {
  for (const part of parts) yield* part
}

/** Memory of the sets, about. */
function weighPositions(byPath: ReadonlyMap<string, PositionSet>): number {
  let bytes = 0
  for (const [path, { containers }] of byPath) {
    bytes += 2 * path.length
    for (const { cardinality } of containers.values()) bytes += CONTAINER_OVERHEAD + Math.min(8192, 2 * cardinality)
  }
  return bytes
}
