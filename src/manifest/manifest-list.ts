/**
 * Writes and reads manifest lists (spec, "Manifest Lists"). A list is written anew for each attempt of a commit: here
 * new manifests get the attempt's sequence number and, from v3 on, the row ids that follow from its base.
 */
import { UnsupportedError, ValidationError } from '../base/errors.ts'
import { memoize, memoizeWeak } from '../base/memo.ts'
import { encodeAvro, openAvro, readAvro } from '../format/avro.ts'
import type { AvroCodec } from '../format/avro-codec.ts'
import { AvroSink } from '../format/avro-sink.ts'
import type { ManifestFile } from '../spec/data-file.ts'
import type { FormatVersion } from '../spec/table-metadata.ts'
import { manifestFileCodec } from './manifest-schema.ts'
import { UNASSIGNED_SEQUENCE_NUMBER, checkWritable } from './manifest-writer.ts'

export interface ManifestListInput {
  readonly manifests: readonly ManifestFile[]
  readonly snapshotId: bigint
  readonly parentSnapshotId?: bigint | undefined
  readonly sequenceNumber: bigint
  readonly formatVersion: FormatVersion
  /** v3: the table's next row id, from which manifests without one get theirs. */
  readonly firstRowId?: bigint | undefined
}

export interface EncodedManifestList {
  readonly bytes: Uint8Array
  /** The manifests as the list has them, all numbers assigned. */
  readonly manifests: readonly ManifestFile[]
  /** v3: the table's next row id after this snapshot. */
  readonly nextRowId: bigint | undefined
}

export function encodeManifestList(input: ManifestListInput): EncodedManifestList {
  const { snapshotId, parentSnapshotId, sequenceNumber, formatVersion, firstRowId } = input
  checkWritable(formatVersion)
  if (formatVersion >= 3 && firstRowId === undefined) {
    throw new ValidationError('a manifest list of format version 3 needs the first row id of its snapshot')
  }
  const { manifests, nextRowId } = assignRowIds(
    input.manifests.map((m) => assignSequenceNumber(m, input)),
    firstRowId,
  )
  const bytes = encodeAvro(codecOf(formatVersion), manifests, {
    metadata: {
      'snapshot-id': String(snapshotId),
      'parent-snapshot-id': String(parentSnapshotId ?? null),
      'sequence-number': String(sequenceNumber),
      ...(firstRowId !== undefined && { 'first-row-id': String(firstRowId) }),
      'format-version': String(formatVersion),
    },
  })
  return { bytes, manifests, nextRowId }
}

/** Each manifest is encoded once: the lists that follow have it again. */
const codecOf = memoize((version: FormatVersion): AvroCodec<ManifestFile> => {
  const codec = manifestFileCodec(version)
  const bytesOf = memoizeWeak((manifest: ManifestFile) => {
    const sink = new AvroSink()
    codec.write(sink, manifest)
    return sink.take()
  })
  return { ...codec, write: (sink, manifest) => sink.fixed(bytesOf(manifest)) }
})

const ANY_VERSION = manifestFileCodec()

/** Reads a list of any format version; what v1 lacks is data of sequence number 0. */
export function decodeManifestList(bytes: Uint8Array, location: string): ManifestFile[] {
  return readAvro(openAvro(bytes, location), ANY_VERSION)
}

function assignSequenceNumber(manifest: ManifestFile, { snapshotId, sequenceNumber }: ManifestListInput): ManifestFile {
  const { sequenceNumber: own, minSequenceNumber: lowest } = manifest
  checkCounts(manifest)
  // Nearly all are of earlier snapshots, and stay the objects that they are.
  if (own !== UNASSIGNED_SEQUENCE_NUMBER && lowest !== UNASSIGNED_SEQUENCE_NUMBER) return manifest
  const assign = (number: bigint): bigint => (number === UNASSIGNED_SEQUENCE_NUMBER ? sequenceNumber : number)
  if (manifest.sequenceNumber === UNASSIGNED_SEQUENCE_NUMBER && manifest.addedSnapshotId !== snapshotId) {
    throw new ValidationError('a manifest of another snapshot has no sequence number', {
      context: { manifest: manifest.manifestPath, snapshotId: manifest.addedSnapshotId },
    })
  }
  return {
    ...manifest,
    sequenceNumber: assign(manifest.sequenceNumber),
    minSequenceNumber: assign(manifest.minSequenceNumber),
  }
}

const COUNTS = [
  'addedFilesCount',
  'existingFilesCount',
  'deletedFilesCount',
  'addedRowsCount',
  'existingRowsCount',
  'deletedRowsCount',
] as const

function checkCounts(manifest: ManifestFile): void {
  if (COUNTS.every((count) => manifest[count] !== undefined)) return
  const { manifestPath } = manifest
  throw new UnsupportedError(
    `the manifest ${manifestPath} of an old version 1 list has no counts: rewrite the manifests first`,
    { context: { manifest: manifestPath } },
  )
}

/** Space is left for existing rows too: files of a table upgraded from v2 have no row ids of their own yet. */
function assignRowIds(
  manifests: readonly ManifestFile[],
  firstRowId: bigint | undefined,
): { manifests: readonly ManifestFile[]; nextRowId: bigint | undefined } {
  if (firstRowId === undefined) return { manifests, nextRowId: undefined }
  let nextRowId = firstRowId
  const assigned = manifests.map((manifest): ManifestFile => {
    if (manifest.content !== 'data') return { ...manifest, firstRowId: undefined }
    if (manifest.firstRowId !== undefined) return manifest
    const own = nextRowId
    nextRowId += BigInt(manifest.addedRowsCount ?? 0) + BigInt(manifest.existingRowsCount ?? 0)
    return { ...manifest, firstRowId: own }
  })
  return { manifests: assigned, nextRowId }
}
