/** Merging appends: which manifests are merged, and that nothing of their entries changes but where they stand. */
import { describe, expect, it } from 'vitest'
import { readManifest, readManifestList } from '../../src/manifest/manifest-io.ts'
import type { ManifestEntry, ManifestFile } from '../../src/spec/data-file.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import { ManifestMerger, planMerges } from '../../src/transaction/manifest-merge.ts'
import { type GatedTable, gatedTable } from './gated-table.ts'

function manifest(
  name: string,
  manifestLength: number,
  { specId = 0, ...rest }: Partial<ManifestFile> & { specId?: number } = {},
) {
  return {
    manifestPath: name,
    manifestLength,
    partitionSpecId: specId,
    content: 'data',
    sequenceNumber: 1n,
    minSequenceNumber: 1n,
    addedSnapshotId: 1n,
    ...rest,
  } satisfies ManifestFile
}

function plan(manifests: readonly ManifestFile[], { minCount = 3, target = 100, added = 1 } = {}): string[][] {
  const bins = planMerges(manifests, { minCount, targetSizeBytes: target }, (specId) => (specId === 0 ? added : 0))
  return bins.map((bin) => bin.map(({ manifestPath }) => manifestPath))
}

describe('which manifests are merged', () => {
  const small = (...names: string[]) => names.map((name) => manifest(name, 10))

  it('none until there are as many as the table sets, the new one included', () => {
    expect(plan([])).toEqual([])
    expect(plan(small('a'))).toEqual([])
    expect(plan(small('a', 'b'))).toEqual([['a', 'b']])
    expect(plan(small('a', 'b'), { minCount: 4 })).toEqual([])
  })

  it('packs from the oldest on, to the target size', () => {
    const all = small(...'abcdefghijklm'.split(''))
    expect(plan(all)).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm'],
    ])
  })

  it('leaves full ones alone, and a large one that a few small ones would be put to', () => {
    expect(plan([...small('a', 'b'), manifest('full', 95)])).toEqual([['a', 'b']])
    expect(plan([...small('a', 'b', 'c'), manifest('large', 70)], { target: 1_000 })).toEqual([
      ['a', 'b', 'c', 'large'],
    ])
    expect(plan([...small('a', 'b'), manifest('large', 81)], { target: 1_000 })).toEqual([['a', 'b']])
    expect(plan([manifest('huge', 1_000), manifest('huge too', 2_000)])).toEqual([])
  })

  it('keeps partition specs, delete manifests and encrypted ones apart', () => {
    const mixed = [
      manifest('a', 10),
      manifest('x', 10, { specId: 1 }),
      manifest('d', 10, { content: 'deletes' }),
      manifest('b', 10),
      manifest('secret', 10, { keyMetadata: Uint8Array.of(1) }),
      manifest('y', 10, { specId: 1 }),
    ]
    expect(plan(mixed)).toEqual([['a', 'b']])
    expect(plan([...mixed, manifest('z', 10, { specId: 1 })])).toEqual([
      ['a', 'b'],
      ['x', 'y', 'z'],
    ])
  })
})

const MERGE = { 'commit.manifest.min-count-to-merge': '3' }

async function manifestsOf({ table, io }: GatedTable, snapshot: Snapshot | undefined = table.currentSnapshot) {
  return snapshot === undefined ? [] : readManifestList(io, snapshot)
}

async function entriesOf(made: GatedTable, snapshot?: Snapshot): Promise<Map<string, ManifestEntry>> {
  const found = new Map<string, ManifestEntry>()
  for (const file of await manifestsOf(made, snapshot)) {
    for (const entry of await readManifest(made.io, file, made.table.metadata)) {
      expect(found.has(entry.dataFile.filePath)).toBe(false)
      found.set(entry.dataFile.filePath, entry)
    }
  }
  return found
}

async function ids({ catalog }: GatedTable): Promise<number[]> {
  const found: number[] = []
  for await (const { id } of (await catalog.loadTable('a.t')).scan().rows()) found.push(id as number)
  return found.toSorted((a, b) => a - b)
}

describe.each([2, 3] as const)('a merging append to a table of version %i', (formatVersion) => {
  it('keeps every number of the files it moves, as files that exist', async () => {
    const made = await gatedTable({ properties: MERGE, formatVersion })
    for (const id of [1, 2]) await made.table.append([{ id }, { id: id * 10 }])
    const before = await entriesOf(made)
    await made.table.append([{ id: 3 }])
    const [added, merged, ...others] = await manifestsOf(made)
    expect(others).toEqual([])
    expect(added).toMatchObject({ addedFilesCount: 1, existingFilesCount: 0 })
    const { snapshotId, sequenceNumber } = made.table.currentSnapshot ?? {}
    expect(merged).toMatchObject({
      addedFilesCount: 0,
      existingFilesCount: 2,
      existingRowsCount: 4,
      sequenceNumber,
      minSequenceNumber: 1n,
      addedSnapshotId: snapshotId,
    })
    const after = await entriesOf(made)
    for (const [path, entry] of before) expect(after.get(path)).toEqual({ ...entry, status: 'existing' })
    expect(after.size).toBe(3)
    expect(made.table.currentSnapshot?.summary?.properties).toMatchObject({
      'manifests-created': '2',
      'manifests-kept': '0',
      'manifests-replaced': '2',
      'total-data-files': '3',
    })
    // No row id is given anew to rows that have one, and none is skipped.
    if (formatVersion === 3) expect(made.table.metadata.nextRowId).toBe(5n)
    expect(await ids(made)).toEqual([1, 2, 3, 10, 20])
  })

  it('keeps manifests few however many appends there are, and old snapshots whole', async () => {
    const made = await gatedTable({ properties: { 'commit.manifest.min-count-to-merge': '5' }, formatVersion })
    for (let id = 0; id < 40; id++) await made.table.append([{ id }])
    expect((await manifestsOf(made)).length).toBeLessThan(8)
    expect(await ids(made)).toEqual(Array.from({ length: 40 }, (_, id) => id))
    for (const [i, snapshot] of made.table.snapshots.entries()) {
      expect((await entriesOf(made, snapshot)).size).toBe(i + 1)
      expect(await made.table.scan({ asOf: snapshot.snapshotId }).count()).toBe(BigInt(i + 1))
    }
    const rowIds = [...(await entriesOf(made)).values()].map(({ dataFile }) => dataFile.firstRowId)
    if (formatVersion === 3) expect(new Set(rowIds).size).toBe(40)
  })

  it('merges again on a conflict, and deletes what the lost attempt merged', async () => {
    const made = await gatedTable({ properties: MERGE, formatVersion })
    for (const id of [1, 2]) await made.table.append([{ id }])
    const rival = await made.catalog.loadTable('a.t')
    await rival.append([{ id: 3 }])
    const before = await made.files('-m')
    expect(await made.table.append([{ id: 4 }])).toMatchObject({ attempts: 2 })
    const reachable = new Set((await manifestsOf(made)).map(({ manifestPath }) => manifestPath))
    const fresh = (await made.files('-m')).filter((path) => !before.includes(path))
    expect(fresh.filter((path) => !reachable.has(path))).toEqual([])
    expect(await ids(made)).toEqual([1, 2, 3, 4])
  })

  it('goes on with what a lost attempt merged where others only added to the table', async () => {
    const made = await gatedTable({ properties: { 'commit.manifest.min-count-to-merge': '9' }, formatVersion })
    for (const id of [1, 2, 3, 4]) await made.table.append([{ id }])
    const [newest, ...older] = await manifestsOf(made)
    if (newest === undefined) throw new Error('no manifests')
    const metadata = { ...made.table.metadata, properties: MERGE }
    const operations = { io: made.io, name: 'a.t', reporter: undefined }
    const merger = new ManifestMerger(operations)
    let paths = 0
    const context = (isHurried: boolean) => ({
      snapshotId: 7n,
      isHurried,
      addedCount: () => 1,
      newPath: () => `${made.table.location}/merged-${paths++}.avro`,
    })
    expect((await merger.merge(metadata, older, context(true))).files).toEqual([])
    const first = await merger.merge(metadata, older, context(false))
    expect(first.files).toHaveLength(1)
    const again = await merger.merge(metadata, [newest, ...older], context(true))
    expect(again.files).toEqual(first.files)
    expect(again.manifests).toEqual([newest, ...first.manifests])
    expect([again.created, again.replaced]).toEqual([1, older.length])
    const without = await merger.merge(metadata, [newest, ...older.slice(1)], context(false))
    expect(without.files).toHaveLength(1)
    expect(without.files).not.toEqual(first.files)
  })

  it('does not begin to merge when others are about to commit, until manifests are twice as many', async () => {
    const made = await gatedTable({ properties: MERGE, formatVersion })
    const rival = await made.catalog.loadTable('a.t')
    for (const id of [1, 2, 3, 4, 5]) {
      await rival.append([{ id: 10 * id }], { summary: {} })
      await made.table.append([{ id }])
    }
    const counts = await Promise.all(made.table.snapshots.map(async (s) => (await readManifestList(made.io, s)).length))
    expect(Math.max(...counts)).toBeLessThan(6)
    expect(await ids(made)).toEqual([1, 2, 3, 4, 5, 10, 20, 30, 40, 50])
  })

  it('goes on with a merge that still fits after a conflict, and does not delete it', async () => {
    const made = await gatedTable({ properties: MERGE, formatVersion })
    for (const id of [1, 2]) await made.table.append([{ id }])
    // The other writer changes the table, not its manifests.
    await made.raiseFence()
    const files = await made.files('-m')
    expect((await made.table.append([{ id: 3 }])).attempts).toBeGreaterThan(1)
    const fresh = (await made.files('-m')).filter((path) => !files.includes(path))
    expect(fresh).toHaveLength(2)
    expect(await ids(made)).toEqual([1, 2, 3])
  })

  it('merges inside a transaction what the transaction itself added, and again when it is staged anew', async () => {
    const made = await gatedTable({ properties: MERGE, formatVersion })
    const rival = await made.catalog.loadTable('a.t')
    await made.catalog.transaction(async (tx) => {
      const table = await tx.table('a.t')
      for (let id = 0; id < 6; id++) await table.append([{ id }])
      await rival.append([{ id: 9 }])
    })
    expect(await ids(made)).toEqual([0, 1, 2, 3, 4, 5, 9])
    await made.table.refresh()
    const entries = [...(await entriesOf(made)).values()]
    expect(new Set(entries.map(({ sequenceNumber }) => sequenceNumber)).size).toBe(7)
    for (const { sequenceNumber, snapshotId } of entries) {
      const snapshot = made.table.snapshots.find((s) => s.snapshotId === snapshotId)
      expect(sequenceNumber).toBe(snapshot?.sequenceNumber)
    }
  })
})

it('leaves the manifests alone where the table says so', async () => {
  const made = await gatedTable({ properties: { ...MERGE, 'commit.manifest-merge.enabled': 'false' } })
  for (let id = 0; id < 6; id++) await made.table.append([{ id }])
  expect(await manifestsOf(made)).toHaveLength(6)
})

it('appends all the same where an old manifest cannot be read', async () => {
  const made = await gatedTable({ properties: MERGE })
  for (const id of [1, 2]) await made.table.append([{ id }])
  const [first] = await manifestsOf(made)
  await made.io.delete([first?.manifestPath ?? ''])
  await made.table.append([{ id: 3 }])
  expect(await manifestsOf(made)).toHaveLength(3)
})
