/**
 * Which delete files apply to which data files (spec, "Scan Planning"): planning reads all delete manifests that a scan
 * may need, indexes their entries here, and asks for each data file it plans.
 */
import { InvalidDataError } from '../base/errors.ts'
import { memoizeWeak } from '../base/memo.ts'
import type { ByteRange } from '../io/file-io.ts'
import type { DataFile } from '../spec/data-file.ts'
import { DELETE_FILE_PATH } from '../spec/metadata-columns.ts'
import { type PartitionSpec, partitionKey } from '../spec/partition-spec.ts'
import { specById } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { Schema } from '../spec/types.ts'
import { equalityMightMatch } from './equality-metrics.ts'
import { type DeleteFile, isDeletionVector } from './scan-task.ts'

/** The delete files for a data file of a data sequence number. */
export type DeletesOf = (file: DataFile, sequenceNumber: bigint) => readonly DeleteFile[]

interface IndexContext {
  readonly metadata: TableMetadata
  /** The scan's schema: types in which metrics are compared. */
  readonly schema: Schema
}

const NONE: readonly DeleteFile[] = []
/** Vectors of a Puffin file that lie so near each other are fetched together, up to so many bytes. */
const MAX_GAP_BYTES = 16 * 1024
const MAX_RANGE_BYTES = 256 * 1024

/** No delete applies to files of such specs by partition: equality deletes of theirs apply to all of the table. */
export function isUnpartitioned(spec: PartitionSpec): boolean {
  return spec.fields.every(({ transform }) => transform.kind === 'void')
}

/** InvalidDataError for two vectors of one data file, and for vectors that don't say where they are or of what. */
export function indexDeletes(deletes: readonly DeleteFile[], context: IndexContext): DeletesOf {
  if (deletes.length === 0) return () => NONE
  const vectors = indexVectors(deletes.filter(isDeletionVector))
  const [positionsByPath, positionsByPartition, equalityByPartition] = [new Lists(), new Lists(), new Lists()]
  const globalEquality: DeleteFile[] = []
  for (const each of deletes.toSorted((a, b) => Number(a.sequenceNumber - b.sequenceNumber))) {
    const { file } = each
    if (isDeletionVector(each)) continue
    const partition = partitionKey(file, file.partition)
    if (file.content === 'equality-deletes') {
      if (isUnpartitioned(specById(context.metadata, file.specId))) globalEquality.push(each)
      else equalityByPartition.add(partition, each)
    } else {
      const path = referencedPath(file)
      if (path === undefined) positionsByPartition.add(partition, each)
      else positionsByPath.add(path, each)
    }
  }
  return (file, sequenceNumber) => {
    const partition = partitionKey(file, file.partition)
    const younger = [
      ...startingAt(globalEquality, sequenceNumber + 1n),
      ...startingAt(equalityByPartition.get(partition), sequenceNumber + 1n),
    ]
    const equality = younger.filter((each) => equalityMightMatch(file, each.file, context))
    const vector = vectors.get(file.filePath)
    if (vector !== undefined && vector.sequenceNumber >= sequenceNumber) return [...equality, vector]
    return [
      ...equality,
      ...startingAt(positionsByPath.get(file.filePath), sequenceNumber),
      ...startingAt(positionsByPartition.get(partition), sequenceNumber).filter((each) => mayName(each.file, file)),
    ]
  }
}

class Lists {
  readonly #lists = new Map<string, DeleteFile[]>()

  add(key: string, item: DeleteFile): void {
    const list = this.#lists.get(key)
    if (list === undefined) this.#lists.set(key, [item])
    else list.push(item)
  }

  get(key: string): readonly DeleteFile[] {
    return this.#lists.get(key) ?? NONE
  }
}

/** Those of a sequence number of at least `first`, of a list in ascending order. */
function startingAt(ascending: readonly DeleteFile[], first: bigint): readonly DeleteFile[] {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle]?.sequenceNumber ?? first) < first) low = middle + 1
    else high = middle
  }
  return low === 0 ? ascending : ascending.slice(low)
}

/**
 * The one data file that a position delete file is about, as it says or as its bounds tell. As in Java such files apply
 * by path alone: a path has but one partition.
 */
function referencedPath(file: DataFile): string | undefined {
  if (file.referencedDataFile !== undefined) return file.referencedDataFile
  const { lower, upper } = pathBounds(file)
  return lower !== undefined && upper !== undefined && lower.equals(upper) ? lower.toString('utf8') : undefined
}

/** Whether the bounds of its `file_path` allow a position delete file to name `file`. */
function mayName(deletes: DataFile, file: DataFile): boolean {
  const { lower, upper } = pathBounds(deletes)
  if (lower === undefined && upper === undefined) return true
  const path = Buffer.from(file.filePath)
  return !(lower !== undefined && lower.compare(path) > 0) && !(upper !== undefined && upper.compare(path) < 0)
}

const pathBounds = memoizeWeak(({ lowerBounds, upperBounds }: DataFile) => ({
  lower: asBuffer(lowerBounds?.get(DELETE_FILE_PATH.id)),
  upper: asBuffer(upperBounds?.get(DELETE_FILE_PATH.id)),
}))

function asBuffer(bytes: Uint8Array | undefined): Buffer | undefined {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function indexVectors(vectors: readonly DeleteFile[]): ReadonlyMap<string, DeleteFile> {
  const byPath = new Map<string, DeleteFile>()
  for (const vector of joinNeighbours(vectors)) {
    const { filePath, referencedDataFile } = vector.file
    if (referencedDataFile === undefined) return refuse(filePath, 'does not say which data file it is for')
    const other = byPath.get(referencedDataFile)
    if (other !== undefined) {
      const { filePath: otherPath } = other.file
      throw new InvalidDataError(`${referencedDataFile} has two deletion vectors: in ${otherPath} and ${filePath}`, {
        context: { location: filePath, other: otherPath, dataFile: referencedDataFile },
      })
    }
    byPath.set(referencedDataFile, vector)
  }
  return byPath
}

/** Gives each vector the range to fetch it by. */
function joinNeighbours(vectors: readonly DeleteFile[]): DeleteFile[] {
  const joined: DeleteFile[] = []
  let group: { readonly path: string; readonly vectors: DeleteFile[]; readonly offset: number; end: number } | undefined
  const close = (): void => {
    const { offset = 0, end = 0, vectors: members = [] } = group ?? {}
    const range: ByteRange = { offset, length: end - offset }
    for (const member of members) joined.push({ ...member, range })
  }
  const placed = vectors.map((vector) => ({ vector, ...blobRange(vector.file) }))
  placed.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.offset - b.offset))
  for (const { vector, path, offset, length } of placed) {
    const end = offset + length
    const near = group?.path === path && offset - group.end <= MAX_GAP_BYTES && end - group.offset <= MAX_RANGE_BYTES
    if (group !== undefined && near) {
      group.vectors.push(vector)
      group.end = Math.max(group.end, end)
    } else {
      close()
      group = { path, vectors: [vector], offset, end }
    }
  }
  close()
  return joined
}

function blobRange(file: DataFile): { readonly path: string } & ByteRange {
  const { filePath: path, contentOffset: offset, contentSizeInBytes: length, fileSizeInBytes } = file
  if (offset === undefined || length === undefined) return refuse(path, 'does not say where it lies in its file')
  if (offset < 0 || length < 0 || offset + length > fileSizeInBytes)
    refuse(path, `lies at ${offset} + ${length} of a file of ${fileSizeInBytes} bytes`)
  return { path, offset, length }
}

function refuse(location: string, what: string): never {
  throw new InvalidDataError(`a deletion vector of ${location} ${what}`, { context: { location } })
}
