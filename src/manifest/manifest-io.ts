/** From a snapshot to its manifests to their entries, through FileIO: where scans and commits begin to read. */
import { mapConcurrent } from '../base/concurrency.ts'
import { InvalidDataError, UnsupportedError } from '../base/errors.ts'
import { openAvro, prepareAvro, readAvro } from '../format/avro.ts'
import type { FileIO, IoOptions } from '../io/file-io.ts'
import type { ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { decodeManifestList } from './manifest-list.ts'
import { decodeManifest, decodeManifestAhead } from './manifest-reader.ts'
import type { KeepEntry } from './entry-reader.ts'
import { manifestEntryCodec } from './manifest-schema.ts'
import { countEntries } from './manifest-writer.ts'

const MANIFESTS_IN_FLIGHT = 8

/** The manifests that a list names. */
export async function readManifestListFile(
  io: FileIO,
  location: string,
  options: IoOptions = {},
): Promise<ManifestFile[]> {
  const { bytes } = await io.read(location, options)
  await prepareAvro(bytes, location)
  return decodeManifestList(bytes, location)
}

/** The manifests of a snapshot, by its list or, in old v1 tables, by the paths it names. */
export async function readManifestList(
  io: FileIO,
  snapshot: Snapshot,
  options: IoOptions = {},
): Promise<ManifestFile[]> {
  const { manifestList, manifests, snapshotId, keyId } = snapshot
  if (keyId !== undefined) refuseEncrypted(`the manifest list of snapshot ${snapshotId}`)
  if (manifestList !== undefined) return readManifestListFile(io, manifestList, options)
  if (manifests === undefined) {
    throw new InvalidDataError(`snapshot ${snapshotId} names neither a manifest list nor manifests`, {
      context: { snapshotId },
    })
  }
  const files: ManifestFile[] = []
  const read = (path: string): Promise<ManifestFile> => describeManifest(io, path, snapshotId, options)
  for await (const file of mapConcurrent(manifests, MANIFESTS_IN_FLIGHT, read, options.signal)) files.push(file)
  return files
}

/** The entries of a manifest, with what they inherit. */
export async function readManifest(
  io: FileIO,
  manifest: ManifestFile,
  metadata: TableMetadata,
  options: IoOptions = {},
): Promise<ManifestEntry[]> {
  return decodeManifest(await fetchManifest(io, manifest, options), manifest.manifestPath, { manifest, metadata })
}

export interface ReadEntriesOptions extends IoOptions {
  readonly metadata: TableMetadata
  /** Which entries of manifests of a partition spec to keep; all where it is absent. */
  readonly keepOf?: ((specId: number) => KeepEntry | undefined) | undefined
}

/**
 * The live entries of manifests, in their order, some hundred at a time. The next manifests are on their way, encoded,
 * while those of one are decoded.
 */
export async function* readLiveEntries(
  io: FileIO,
  manifests: readonly ManifestFile[],
  { metadata, keepOf, signal }: ReadEntriesOptions,
): AsyncGenerator<readonly ManifestEntry[], void, undefined> {
  const stop = new AbortController()
  const reading = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  // What is fetched stays encoded until its entries are drawn.
  const fetch = async (manifest: ManifestFile): Promise<AsyncIterable<readonly ManifestEntry[]>> => {
    const keep = keepOf?.(manifest.partitionSpecId)
    const bytes = await fetchManifest(io, manifest, { signal: reading })
    return decodeManifestAhead(bytes, manifest.manifestPath, { manifest, metadata, keep })
  }
  for await (const parts of mapConcurrent(manifests, MANIFESTS_IN_FLIGHT, fetch, reading)) {
    let isTaken = false
    try {
      for await (const entries of parts) yield entries.every(isLive) ? entries : entries.filter(isLive)
      isTaken = true
    } finally {
      // The consumer left, or the manifest is damaged: abort before mapConcurrent waits for the manifests in flight.
      if (!isTaken) stop.abort()
    }
  }
}

function isLive({ status }: ManifestEntry): boolean {
  return status !== 'deleted'
}

async function fetchManifest(
  io: FileIO,
  { manifestPath, keyMetadata }: ManifestFile,
  options: IoOptions,
): Promise<Uint8Array> {
  if (keyMetadata !== undefined) refuseEncrypted(`the manifest ${manifestPath}`)
  const { bytes } = await io.read(manifestPath, options)
  await prepareAvro(bytes, manifestPath)
  return bytes
}

/** What a list would say of a v1 manifest, but for the summaries of its partitions. */
async function describeManifest(
  io: FileIO,
  path: string,
  snapshotId: bigint,
  options: IoOptions,
): Promise<ManifestFile> {
  const { bytes } = await io.read(path, options)
  await prepareAvro(bytes, path)
  const file = openAvro(bytes, path)
  const specId = Number(file.metadata.get('partition-spec-id') ?? 0)
  if (!Number.isInteger(specId)) {
    throw new InvalidDataError(`${path}: partition-spec-id is not an integer`, { context: { location: path } })
  }
  return {
    manifestPath: path,
    manifestLength: bytes.length,
    partitionSpecId: specId,
    content: 'data',
    sequenceNumber: 0n,
    minSequenceNumber: 0n,
    addedSnapshotId: snapshotId,
    // Read without partition fields, entries can be counted before their spec is known.
    ...countEntries(readAvro(file, manifestEntryCodec({ specId, fields: [] }, []))),
  }
}

function refuseEncrypted(what: string): never {
  throw new UnsupportedError(`${what} is encrypted: firn does not read encrypted tables`)
}
