/** Live entries of manifests of many blocks, which are inflated ahead. */
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import type { FileIO } from '../../src/io/file-io.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import type { KeepEntry } from '../../src/manifest/entry-reader.ts'
import { readLiveEntries, readManifest } from '../../src/manifest/manifest-io.ts'
import { encodeManifest } from '../../src/manifest/manifest-writer.ts'
import type { ManifestEntry, ManifestFile } from '../../src/spec/data-file.ts'
import type { PartitionSpec } from '../../src/spec/partition-spec.ts'
import type { Schema } from '../../src/spec/types.ts'
import { overriding } from '../support/overriding.ts'
import { dataFile, entryOf, tableOf } from './manifest-fixtures.ts'

const SCHEMA: Schema = {
  schemaId: 0,
  fields: [{ id: 1, name: 'a', type: { kind: 'int' }, required: false }],
  identifierFieldIds: [],
}
const BY_A: PartitionSpec = {
  specId: 0,
  fields: [{ fieldId: 1000, sourceIds: [1], transform: { kind: 'identity' }, name: 'a' }],
}
const METADATA = tableOf(SCHEMA, BY_A)
const STATUS = ['added', 'existing', 'deleted'] as const
const ENTRIES = Array.from({ length: 9000 }, (_, i) =>
  entryOf({
    status: STATUS[Math.floor(i / 300) % 3] ?? 'added',
    // Added files inherit theirs.
    ...(Math.floor(i / 300) % 3 === 0 ? {} : { snapshotId: 3n, sequenceNumber: 2n, fileSequenceNumber: 2n }),
    dataFile: dataFile({
      partition: [i % 7],
      recordCount: i,
      lowerBounds: new Map([[1, Uint8Array.of(i & 255, i >> 8, ...Buffer.alloc(500))]]),
    }),
  }),
)
const { bytes: BYTES, manifestFile: WRITTEN } = encodeManifest({
  entries: ENTRIES,
  schema: SCHEMA,
  spec: BY_A,
  formatVersion: 3,
  content: 'data',
  snapshotId: 7n,
  path: 's3://b/m.avro',
})
/** Without row ids to inherit, which would have all entries read. */
const MANIFEST: ManifestFile = { ...WRITTEN, sequenceNumber: 5n, firstRowId: undefined }

function ioOf(read: (location: string) => Uint8Array | Promise<Uint8Array>): FileIO {
  return overriding<FileIO>(new MemoryFileIO({ runtime: systemRuntime }), {
    read: async (location) => ({ bytes: await read(location), storeTimeMs: 0 }),
  })
}

/** Where the blocks begin, and where the last ends. */
function blockStarts(bytes: Uint8Array): number[] {
  const buffer = Buffer.from(bytes)
  const sync = buffer.subarray(-16)
  const starts: number[] = []
  for (let at = buffer.indexOf(sync); at >= 0; at = buffer.indexOf(sync, at + 16)) starts.push(at + 16)
  return starts
}

async function liveEntries(
  manifests: readonly ManifestFile[],
  keepOf?: () => KeepEntry | undefined,
): Promise<ManifestEntry[]> {
  const entries: ManifestEntry[] = []
  for await (const some of readLiveEntries(
    ioOf(() => BYTES),
    manifests,
    { metadata: METADATA, keepOf },
  )) {
    entries.push(...some)
  }
  return entries
}

/** What tells entries from one another, inherited or their own, with some that stays encoded until it is asked for. */
function brief(entries: readonly ManifestEntry[]): string[] {
  return entries.map(({ status, snapshotId, sequenceNumber, dataFile: file }) => {
    const bound = Buffer.from(file.lowerBounds?.get(1) ?? []).readUInt16LE()
    return [status, snapshotId, sequenceNumber, file.partition, file.recordCount, file.firstRowId, bound].join(' ')
  })
}

describe('live entries of manifests of many blocks', () => {
  const isKept: KeepEntry = ([partition]) => partition === 3
  const kept = ({ dataFile: { partition }, status }: ManifestEntry): boolean => isKept(partition, status)
  const isLive = ({ status }: ManifestEntry): boolean => status !== 'deleted'

  it.each([
    ['that inherit no row ids', MANIFEST],
    ['that inherit row ids', { ...MANIFEST, firstRowId: 1000n }],
  ])('%s are those that the manifests hold, all or some', async (_, manifest) => {
    const all = await readManifest(
      ioOf(() => BYTES),
      manifest,
      METADATA,
    )
    expect(all).toHaveLength(ENTRIES.length)
    expect(all.some(({ dataFile: { firstRowId } }) => firstRowId !== undefined)).toBe(manifest.firstRowId !== undefined)
    const live = all.filter(isLive)
    expect(brief(await liveEntries([manifest, manifest]))).toEqual(brief([...live, ...live]))
    expect(brief(await liveEntries([manifest], () => isKept))).toEqual(brief(live.filter(kept)))
  })

  it('arrive before a damaged block is met', async () => {
    const starts = blockStarts(BYTES)
    expect(starts.length).toBeGreaterThan(4)
    const [, , third = 0] = starts
    const damaged = BYTES.slice()
    damaged.fill(0xff, third + 8, third + 40)
    const entries: ManifestEntry[] = []
    const read = async (): Promise<void> => {
      const io = ioOf((location) => (location === 's3://b/damaged.avro' ? damaged : BYTES))
      const manifests = [{ ...MANIFEST, manifestPath: 's3://b/damaged.avro' }, MANIFEST]
      for await (const some of readLiveEntries(io, manifests, { metadata: METADATA })) entries.push(...some)
    }
    const failed = expect(read()).rejects
    await failed.toThrow(InvalidDataError)
    await failed.toThrow("s3://b/damaged.avro: can't be decompressed with deflate")
    // The two blocks before it, as a file of their own.
    const before = await readManifest(
      ioOf(() => BYTES.slice(0, third)),
      MANIFEST,
      METADATA,
    )
    expect(before.length).toBeGreaterThan(2000)
    expect(brief(entries)).toEqual(brief(before.filter(isLive)))
  })

  it('may be left, whatever is under way', async () => {
    const [, second = 0] = blockStarts(BYTES)
    const damaged = BYTES.slice()
    damaged.fill(0xff, second + 8, second + 40)
    const signals: AbortSignal[] = []
    const io = overriding<FileIO>(
      ioOf(() => damaged),
      {
        read: async (location, { signal } = {}) => {
          if (location === MANIFEST.manifestPath || signal === undefined) return { bytes: damaged, storeTimeMs: 0 }
          signals.push(signal)
          // As long as nobody gives it up.
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error))
          })
        },
      },
    )
    const seen: unknown[] = []
    const note = (error: unknown): unknown => seen.push(error)
    process.on('unhandledRejection', note)
    try {
      // As many as are fetched at once: the first is handed out while the others are on their way.
      const others = Array.from({ length: 7 }, () => ({ ...MANIFEST, manifestPath: 's3://b/slow.avro' }))
      for await (const some of readLiveEntries(io, [MANIFEST, ...others], { metadata: METADATA })) {
        expect(some.length).toBeGreaterThan(0)
        break
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    } finally {
      process.off('unhandledRejection', note)
    }
    expect(signals.map(({ aborted }) => aborted)).toEqual(Array.from({ length: 7 }, () => true))
    expect(seen).toEqual([])
  })
})
