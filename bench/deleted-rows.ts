/**
 * W7's last line: a table as it was written, and the same with 1 % of its rows deleted by vectors. Both are read whole,
 * in turns, so that whatever else the machine does meets both.
 */
import type { RecordBatch } from 'apache-arrow'
import { systemRuntime } from '../src/base/runtime.ts'
import { encodeDeletionVector } from '../src/format/deletion-vector.ts'
import { positionSetOf } from '../src/format/roaring.ts'
import { TableScan, openCatalog } from '../src/index.ts'
import type { FileIO } from '../src/io/file-io.ts'
import { openFileIO } from '../src/io/open-file-io.ts'
import { readManifest, readManifestList } from '../src/manifest/manifest-io.ts'
import { encodeManifestList } from '../src/manifest/manifest-list.ts'
import { encodeManifest } from '../src/manifest/manifest-writer.ts'
import type { DataFile } from '../src/spec/data-file.ts'
import { currentSchema, currentSnapshot, defaultSpec } from '../src/spec/table-metadata-access.ts'
import type { TableMetadata } from '../src/spec/table-metadata.ts'
import { RowPacker } from '../src/write/rows-to-arrow.ts'
import { Random } from '../test/simulation/random.ts'
import { type Place, ownCpuMs } from './contestant.ts'
import { EVENT_SCHEMA, eventRows } from './event-rows.ts'
import { type Spread, spreadOf } from './statistics.ts'

export interface DeletedRows {
  readonly place: Place
  readonly files: number
  readonly rowsPerFile: number
  readonly rounds: number
}

export interface DeletedRowsResult {
  readonly rows: number
  readonly deletedRows: number
  readonly withoutMs: Spread
  readonly withMs: Spread
  /** With vectors by without, of the same round. */
  readonly ratio: Spread
  /** The same of this process' CPU time, which other load moves less. */
  readonly cpuRatio: Spread
}

const DELETED_SHARE = 0.01
/** Rows made once and appended again and again: what is in them does not matter to a reader of all. */
const CHUNK_ROWS = 250_000

export async function runDeletedRows({ place, files, rowsPerFile, rounds }: DeletedRows): Promise<DeletedRowsResult> {
  const { endpoint, accessKeyId, secretAccessKey, bucket, prefix } = place
  const s3 = { endpoint, credentials: { accessKeyId, secretAccessKey } }
  const root = `s3://${bucket}/${prefix}`
  const catalog = await openCatalog(root, { s3 })
  const table = await catalog.createTable('bench.events', { schema: EVENT_SCHEMA, formatVersion: 3 })
  const packer = new RowPacker(table.schema)
  packer.append(eventRows(0, Math.min(CHUNK_ROWS, rowsPerFile)))
  const chunk = packer.finish()
  for (let file = 0; file < files; file++) {
    const batches: RecordBatch[] = []
    for (let left = rowsPerFile; left > 0; left -= chunk.numRows)
      batches.push(chunk.slice(0, Math.min(left, chunk.numRows)))
    await table.append(batches)
  }
  const io = openFileIO(root, { s3 })
  const without = table.metadata
  const { metadata: withVectors, deleted } = await addVectors(io, without)
  const rows = files * rowsPerFile
  const took: Record<'without' | 'with', { ms: number[]; cpuMs: number[] }> = {
    without: { ms: [], cpuMs: [] },
    with: { ms: [], cpuMs: [] },
  }
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    const turns = [['without', without, rows] as const, ['with', withVectors, rows - deleted] as const]
    for (const [name, metadata, expected] of round % 2 === 0 ? turns : turns.toReversed()) {
      const { ms, cpuMs } = await readAll(io, metadata, expected)
      if (round === 0) continue
      took[name].ms.push(ms)
      took[name].cpuMs.push(cpuMs)
    }
  }
  await Promise.all([io.close(), catalog.close()])
  const ratios = (kind: 'ms' | 'cpuMs'): Spread =>
    spreadOf(took.with[kind].map((value, i) => value / (took.without[kind][i] ?? Number.NaN)))
  return {
    rows,
    deletedRows: deleted,
    withoutMs: spreadOf(took.without.ms),
    withMs: spreadOf(took.with.ms),
    ratio: ratios('ms'),
    cpuRatio: ratios('cpuMs'),
  }
}

async function readAll(
  io: FileIO,
  metadata: TableMetadata,
  expected: number,
): Promise<{ readonly ms: number; readonly cpuMs: number }> {
  const [startMs, startCpuMs] = [performance.now(), ownCpuMs()]
  let rows = 0
  for await (const batch of new TableScan({ io, metadata, name: 'bench.events', runtime: systemRuntime })) {
    rows += batch.numRows
  }
  if (rows !== expected) throw new Error(`${rows} rows were read, not ${expected}`)
  return { ms: performance.now() - startMs, cpuMs: ownCpuMs() - startCpuMs }
}

/** The table with a snapshot that deletes some rows of each file, all vectors in one file. */
async function addVectors(
  io: FileIO,
  metadata: TableMetadata,
): Promise<{ readonly metadata: TableMetadata; readonly deleted: number }> {
  const snapshot = currentSnapshot(metadata)
  if (snapshot === undefined) throw new Error('the table is empty')
  const random = new Random(7)
  const manifests = await readManifestList(io, snapshot)
  const filePath = `${metadata.location}/data/vectors.puffin`
  const parts: Uint8Array[] = [Buffer.from('PFA1')]
  const vectors: Omit<DataFile, 'fileSizeInBytes'>[] = []
  let [offset, deleted] = [4, 0]
  for (const manifest of manifests) {
    for (const { dataFile } of await readManifest(io, manifest, metadata)) {
      const all = Array.from({ length: dataFile.recordCount }, (_, position) => position)
      const positions = positionSetOf(all.filter(() => random.chance(DELETED_SHARE)))
      const bytes = encodeDeletionVector(positions)
      vectors.push({
        content: 'position-deletes',
        filePath,
        fileFormat: 'puffin',
        specId: dataFile.specId,
        partition: dataFile.partition,
        recordCount: positions.cardinality,
        referencedDataFile: dataFile.filePath,
        contentOffset: offset,
        contentSizeInBytes: bytes.length,
      })
      parts.push(bytes)
      offset += bytes.length
      deleted += positions.cardinality
    }
  }
  await io.write(filePath, Buffer.concat(parts))
  const snapshotId = snapshot.snapshotId + 1n
  const sequenceNumber = metadata.lastSequenceNumber + 1n
  const manifest = encodeManifest({
    entries: vectors.map((vector) => ({
      status: 'added',
      snapshotId,
      sequenceNumber: undefined,
      fileSequenceNumber: undefined,
      dataFile: { ...vector, fileSizeInBytes: offset },
    })),
    spec: defaultSpec(metadata),
    schema: currentSchema(metadata),
    formatVersion: metadata.formatVersion,
    content: 'deletes',
    snapshotId,
    path: `${metadata.location}/metadata/vectors.avro`,
  })
  await io.write(manifest.manifestFile.manifestPath, manifest.bytes)
  const list = encodeManifestList({
    manifests: [manifest.manifestFile, ...manifests],
    snapshotId,
    parentSnapshotId: snapshot.snapshotId,
    sequenceNumber,
    formatVersion: metadata.formatVersion,
    firstRowId: metadata.nextRowId,
  })
  const manifestList = `${metadata.location}/metadata/vectors-list.avro`
  await io.write(manifestList, list.bytes)
  const deleting = { ...snapshot, snapshotId, sequenceNumber, manifestList, parentSnapshotId: snapshot.snapshotId }
  return {
    deleted,
    metadata: {
      ...metadata,
      lastSequenceNumber: sequenceNumber,
      currentSnapshotId: snapshotId,
      snapshots: [...metadata.snapshots, deleting],
    },
  }
}
