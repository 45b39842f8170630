import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import { readManifest, readManifestList } from '../../src/manifest/manifest-io.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import { fixtureIO } from './fixture-io.ts'
import { contextOf, metadataOf } from './manifest-fixtures.ts'

const FOLDER = 'duckdb/iceberg_v1_deprecated/default/legacy_v1/metadata'
const LIST = `${FOLDER}/snap-2456114553637229296-1-d65f86b0-b799-467f-b1f4-9c697e4c4fc7.avro`
const MANIFEST = `${FOLDER}/d65f86b0-b799-467f-b1f4-9c697e4c4fc7-m0.avro`
const SNAPSHOT: Snapshot = { snapshotId: 5n, sequenceNumber: 0n, timestampMs: 1 }

describe('manifests of a snapshot', () => {
  it('are those of its list', async () => {
    const manifests = await readManifestList(fixtureIO(LIST), { ...SNAPSHOT, manifestList: LIST })
    expect(manifests).toMatchObject([{ addedSnapshotId: 2456114553637229296n, addedFilesCount: 2, addedRowsCount: 3 }])
  })

  it('are those that old snapshots name, described from themselves', async () => {
    const manifests = await readManifestList(fixtureIO(MANIFEST), { ...SNAPSHOT, manifests: [MANIFEST, MANIFEST] })
    const described = {
      manifestPath: MANIFEST,
      manifestLength: 6147,
      partitionSpecId: 0,
      content: 'data',
      sequenceNumber: 0n,
      minSequenceNumber: 0n,
      addedSnapshotId: 5n,
      addedFilesCount: 2,
      existingFilesCount: 0,
      deletedFilesCount: 0,
      addedRowsCount: 3,
      existingRowsCount: 0,
      deletedRowsCount: 0,
    }
    expect(manifests).toEqual([described, described])
  })

  it('are refused where there is neither', async () => {
    await expect(readManifestList(fixtureIO(LIST), SNAPSHOT)).rejects.toThrow(InvalidDataError)
  })

  it('are refused where they are encrypted', async () => {
    const encrypted = readManifestList(fixtureIO(LIST), { ...SNAPSHOT, manifestList: LIST, keyId: 'k' })
    await expect(encrypted).rejects.toThrow(UnsupportedError)
    // Without the snapshot's word for it, by its first bytes.
    const stream = 'iceberg-rust/manifests_lists/manifest-list-v3-encrypted.avro'
    const unannounced = readManifestList(fixtureIO(stream), { ...SNAPSHOT, manifestList: stream })
    await expect(unannounced).rejects.toThrow(/encrypted\.avro is encrypted: firn does not read/)
    const { manifest, metadata } = contextOf(MANIFEST)
    const keyed = { ...manifest, keyMetadata: Uint8Array.of(1) }
    await expect(readManifest(fixtureIO(MANIFEST), keyed, metadata)).rejects.toThrow(UnsupportedError)
  })

  it('give their entries', async () => {
    const { manifest } = contextOf(MANIFEST)
    const [metadata] = metadataOf(MANIFEST)
    if (metadata === undefined) throw new Error('no metadata')
    const entries = await readManifest(fixtureIO(MANIFEST), manifest, metadata)
    expect(
      entries.map(({ dataFile, sequenceNumber }) => [dataFile.partition, dataFile.recordCount, sequenceNumber]),
    ).toEqual([
      [['alpha'], 2, 0n],
      [['beta'], 1, 0n],
    ])
  })
})
