/**
 * Keeps a table's manifests few: an append that finds many small ones merges them (a merging append, as Java's). What
 * is merged depends on the base, so each attempt plans anew; but manifests that were merged for one that was lost are not
 * merged again, as long as the table has them. A merge takes many times what a commit takes: among others it is put off.
 */
import { readLiveEntries } from '../manifest/manifest-io.ts'
import { encodeManifest } from '../manifest/manifest-writer.ts'
import type { ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import { partitionFieldTypes } from '../spec/partition-spec.ts'
import {
  MANIFEST_MERGE_ENABLED,
  MANIFEST_MIN_MERGE_COUNT,
  MANIFEST_MIN_MERGE_COUNT_DEFAULT,
  MANIFEST_TARGET_SIZE_BYTES,
  MANIFEST_TARGET_SIZE_BYTES_DEFAULT,
  booleanProperty,
  longProperty,
} from '../spec/properties.ts'
import type { TableProperties } from '../spec/properties.ts'
import { currentSchema, specById } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { TableOperations } from './operations.ts'

interface MergeSettings {
  readonly minCount: number
  readonly targetSizeBytes: number
}

/** Undefined where the table wants its manifests left as they are. */
function readMergeSettings(properties: TableProperties): MergeSettings | undefined {
  if (!booleanProperty(properties, MANIFEST_MERGE_ENABLED, true)) return undefined
  return {
    minCount: longProperty(properties, MANIFEST_MIN_MERGE_COUNT, MANIFEST_MIN_MERGE_COUNT_DEFAULT),
    targetSizeBytes: longProperty(properties, MANIFEST_TARGET_SIZE_BYTES, MANIFEST_TARGET_SIZE_BYTES_DEFAULT),
  }
}

/** Who hurries waits for this many times the manifests, as long as others are in no hurry. */
const HURRIED = 2
/** A manifest this many times larger than the others of its bin together is not rewritten for their sake. */
const DOMINANT = 4

/**
 * Which manifests to merge, each list into one. Data manifests of one partition spec are packed to bins of the target
 * size, oldest first, so that the newest bin is the one that is not full: that one waits until it holds `minCount`
 * manifests, those that the commit adds (`addedCount` of a spec) included.
 */
export function planMerges(
  manifests: readonly ManifestFile[],
  { minCount, targetSizeBytes }: MergeSettings,
  addedCount: (specId: number) => number,
): readonly (readonly ManifestFile[])[] {
  const mergeable = manifests.filter(({ content, keyMetadata }) => content === 'data' && keyMetadata === undefined)
  return [...groupBySpec(mergeable)].flatMap(([specId, group]) =>
    packFromEnd(group, targetSizeBytes).flatMap((bin, i) => {
      const isNewest = i === 0
      const small = withoutDominant(bin)
      const isDue = isNewest
        ? bin.length + addedCount(specId) >= minCount
        : small.length >= minCount || sizeOf(small) * DOMINANT >= targetSizeBytes
      return isDue && small.length > 1 ? [small] : []
    }),
  )
}

/** Whether all files that a manifest lists are deleted, in this snapshot's parent already. */
function isSpent({ content, addedFilesCount, existingFilesCount }: ManifestFile): boolean {
  return content === 'data' && addedFilesCount === 0 && existingFilesCount === 0
}

export interface MergeContext {
  readonly snapshotId: bigint
  readonly addedCount: (specId: number) => number
  /** A location that no other manifest has. */
  readonly newPath: () => string
  readonly isHurried: boolean
}

export interface MergeResult {
  /** The base's manifests in their order, merged ones in the place of the newest that each replaces. */
  readonly manifests: readonly ManifestFile[]
  readonly created: number
  readonly replaced: number
  readonly uploads: readonly Promise<unknown>[]
  /** Locations of the merged manifests. */
  readonly files: readonly string[]
}

interface Merged {
  /** Undefined where nothing was left: all files were deleted. */
  readonly manifestFile: ManifestFile | undefined
  readonly upload: Promise<unknown>
}

/** One that was begun. */
interface Merging {
  readonly snapshotId: bigint
  /** What is merged, by all that its entries inherit: in a transaction a manifest may come again with other numbers. */
  readonly keys: ReadonlySet<string>
  readonly merged: Promise<Merged>
}

type Reading = Pick<TableOperations, 'io' | 'name' | 'reporter'>

export class ManifestMerger {
  readonly #operations: Reading
  /** The newest first. */
  #known: readonly Merging[] = []

  constructor(operations: Reading) {
    this.#operations = operations
  }

  async merge(metadata: TableMetadata, existing: readonly ManifestFile[], context: MergeContext): Promise<MergeResult> {
    const settings = readMergeSettings(metadata.properties)
    if (settings === undefined) return { manifests: existing, created: 0, replaced: 0, uploads: [], files: [] }
    const live = existing.some(isSpent) ? existing.filter((manifest) => !isSpent(manifest)) : existing
    const replacements = new Map<ManifestFile, ManifestFile | undefined>()
    const uploads: Promise<unknown>[] = []
    const files: string[] = []
    for (const { bin, merging } of this.#plan(metadata, live, { settings, context })) {
      const merged = await this.#finish(merging, bin)
      if (merged === undefined) continue
      bin.forEach((manifest, i) => replacements.set(manifest, i === 0 ? merged.manifestFile : undefined))
      uploads.push(merged.upload)
      if (merged.manifestFile !== undefined) files.push(merged.manifestFile.manifestPath)
    }
    const manifests =
      replacements.size === 0 ? live : live.flatMap((m) => (replacements.has(m) ? (replacements.get(m) ?? []) : m))
    const replaced = existing.length - live.length + replacements.size
    return { manifests, created: files.length, replaced, uploads, files }
  }

  /** Whether the commit after one that leaves these will merge, if nobody else does. */
  isDue({ properties }: TableMetadata, manifests: readonly ManifestFile[]): boolean {
    const settings = readMergeSettings(properties)
    return settings !== undefined && planMerges(manifests, settings, () => 1).length > 0
  }

  /** Merges of earlier attempts, where they fit, or new ones. */
  #plan(
    metadata: TableMetadata,
    live: readonly ManifestFile[],
    { settings, context }: { settings: MergeSettings; context: MergeContext },
  ): readonly { readonly bin: readonly ManifestFile[]; readonly merging: Merging }[] {
    const { snapshotId, isHurried, addedCount } = context
    let left = live
    const again = this.#known.flatMap((merging) => {
      if (merging.snapshotId !== snapshotId) return []
      const bin = left.filter((manifest) => merging.keys.has(keyOf(manifest)))
      if (bin.length < merging.keys.size) return []
      left = left.filter((manifest) => !bin.includes(manifest))
      return [{ bin, merging }]
    })
    if (again.length > 0) return again
    const minCount = settings.minCount * (isHurried ? HURRIED : 1)
    return planMerges(live, { ...settings, minCount }, addedCount)
      .filter((bin) => keepsPartitions(metadata, bin))
      .map((bin) => {
        const merged = this.#write(metadata, bin, context)
        // Awaited in turn, perhaps after others.
        merged.catch(() => {})
        const merging = { snapshotId, keys: new Set(bin.map(keyOf)), merged }
        this.#known = [merging, ...this.#known]
        return { bin, merging }
      })
  }

  /** Undefined where one can't be read: the table is then no worse off than before. */
  async #finish(merging: Merging, bin: readonly ManifestFile[]): Promise<Merged | undefined> {
    try {
      return await merging.merged
    } catch (cause) {
      this.#known = this.#known.filter((other) => other !== merging)
      const { reporter, name } = this.#operations
      reporter?.({ type: 'merge-failed', table: name, manifests: bin.length, cause })
      return undefined
    }
  }

  async #write(
    metadata: TableMetadata,
    bin: readonly ManifestFile[],
    { snapshotId, newPath }: MergeContext,
  ): Promise<Merged> {
    const entries = await readLive(this.#operations, metadata, bin)
    if (entries.length === 0) return { manifestFile: undefined, upload: Promise.resolve() }
    const { bytes, manifestFile } = encodeManifest({
      entries,
      spec: specById(metadata, bin[0]?.partitionSpecId ?? 0),
      schema: currentSchema(metadata),
      formatVersion: metadata.formatVersion,
      content: 'data',
      snapshotId,
      path: newPath(),
    })
    const upload = this.#operations.io.write(manifestFile.manifestPath, bytes)
    // Whoever stages with it awaits it; a failure before that is not unhandled.
    upload.catch(() => {})
    return { manifestFile: { ...manifestFile, firstRowId: lowestRowId(entries) }, upload }
  }
}

/** Of a column that was dropped since, partition values have no type that they could be written in. */
function keepsPartitions(metadata: TableMetadata, [manifest]: readonly ManifestFile[]): boolean {
  const spec = specById(metadata, manifest?.partitionSpecId ?? 0)
  return partitionFieldTypes(spec, currentSchema(metadata)).every((type) => type.kind !== 'unknown')
}

/** Live entries, with all that they inherited made explicit: their manifest will be a younger one. */
async function readLive(
  { io }: Reading,
  metadata: TableMetadata,
  bin: readonly ManifestFile[],
): Promise<ManifestEntry[]> {
  const live: ManifestEntry[] = []
  for await (const entries of readLiveEntries(io, bin, { metadata }))
    for (const entry of entries) live.push({ ...entry, status: 'existing' })
  return live
}

/** Undefined where a file has no row ids yet: the list then gives the manifest new ones. */
function lowestRowId(entries: readonly ManifestEntry[]): bigint | undefined {
  let lowest: bigint | undefined
  for (const { dataFile } of entries) {
    if (dataFile.firstRowId === undefined) return undefined
    if (lowest === undefined || dataFile.firstRowId < lowest) lowest = dataFile.firstRowId
  }
  return lowest
}

function keyOf({ manifestPath, sequenceNumber, firstRowId }: ManifestFile): string {
  return `${manifestPath} ${sequenceNumber} ${firstRowId}`
}

function groupBySpec(manifests: readonly ManifestFile[]): Map<number, ManifestFile[]> {
  const groups = new Map<number, ManifestFile[]>()
  for (const manifest of manifests) {
    const group = groups.get(manifest.partitionSpecId)
    if (group === undefined) groups.set(manifest.partitionSpecId, [manifest])
    else group.push(manifest)
  }
  return groups
}

/** Bins in the order of the manifests, filled from the last one on. */
function packFromEnd(manifests: readonly ManifestFile[], targetSizeBytes: number): ManifestFile[][] {
  const bins: ManifestFile[][] = []
  let roomBytes = -1
  for (const manifest of manifests.toReversed()) {
    roomBytes -= manifest.manifestLength
    if (roomBytes >= 0) bins[0]?.unshift(manifest)
    else {
      bins.unshift([manifest])
      roomBytes = targetSizeBytes - manifest.manifestLength
    }
  }
  return bins
}

/** Rewriting a large manifest for each few small ones would cost more with every commit. */
function withoutDominant(bin: readonly ManifestFile[]): readonly ManifestFile[] {
  let rest = bin
  while (rest.length > 1) {
    const largest = rest.reduce((a, b) => (b.manifestLength > a.manifestLength ? b : a))
    const others = rest.filter((manifest) => manifest !== largest)
    if (largest.manifestLength <= sizeOf(others) * DOMINANT) return rest
    rest = others
  }
  return rest
}

function sizeOf(manifests: readonly ManifestFile[]): number {
  return manifests.reduce((sum, { manifestLength }) => sum + manifestLength, 0)
}
