/** The straight way to read entries of the usual layout, beside the codec that reads all layouts: both give the same. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AvroFile, openAvro, prepareAvro, readAvro } from '../../src/format/avro.ts'
import { entryLayout } from '../../src/manifest/entry-layout.ts'
import { decodeManifest, decodeManifestAhead, partitionTypes } from '../../src/manifest/manifest-reader.ts'
import { generalEntryCodec, manifestEntryCodec } from '../../src/manifest/manifest-schema.ts'
import { encodeManifest } from '../../src/manifest/manifest-writer.ts'
import { partitionCodec } from '../../src/manifest/partition-codec.ts'
import type { ManifestEntry } from '../../src/spec/data-file.ts'
import type { PartitionSpec } from '../../src/spec/partition-spec.ts'
import { specById } from '../../src/spec/table-metadata-access.ts'
import type { PrimitiveType, Schema } from '../../src/spec/types.ts'
import { PRIMITIVES, valueOf } from '../spec/arbitraries.ts'
import { MANIFESTS, contextOf, dataFile, entryOf, plainEntry, readBytes, tableOf } from './manifest-fixtures.ts'
import { METRICS } from './metrics-arbitrary.ts'

function readBothWays(file: AvroFile, spec: PartitionSpec, types: readonly PrimitiveType[]): void {
  expect(entryLayout(file.schema)).toBeDefined()
  const general = generalEntryCodec(spec.specId, partitionCodec(spec, types), undefined)
  const all = readAvro(file, general).map(plainEntry)
  const codec = manifestEntryCodec(spec, types)
  expect(readAvro(file, codec).map(plainEntry)).toEqual(all)
  let asked = 0
  const odd = readAvro(
    file,
    codec.keeping((partition, status) => {
      expect({ partition, status }).toEqual({ partition: all[asked]?.dataFile.partition, status: all[asked]?.status })
      return asked++ % 2 === 1
    }),
  )
  expect(asked).toBe(all.length)
  expect(odd.map((entry) => entry && plainEntry(entry))).toEqual(
    all.map((entry, i) => (i % 2 === 1 ? entry : undefined)),
  )
}

describe('entries of the usual layout', () => {
  it.each(MANIFESTS)('are those of %s', async (path) => {
    const { manifest, metadata } = contextOf(path)
    const bytes = readBytes(path)
    await prepareAvro(bytes, path)
    const spec = specById(metadata, manifest.partitionSpecId)
    readBothWays(openAvro(bytes, path), spec, partitionTypes(spec, metadata))
  })

  const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  const optional = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(values, { nil: undefined })
  const tables = fc
    .array(PRIMITIVES, { maxLength: 3 })
    .map(
      (types): { readonly schema: Schema; readonly spec: PartitionSpec; readonly types: readonly PrimitiveType[] } => ({
        types,
        schema: {
          schemaId: 0,
          identifierFieldIds: [],
          fields: types.map((type, i) => ({ id: i + 1, name: `f${i}`, type, required: false })),
        },
        spec: {
          specId: 0,
          fields: types.map((_, i) => ({
            fieldId: 1000 + i,
            sourceIds: [i + 1],
            transform: { kind: 'identity' },
            name: `f${i}`,
          })),
        },
      }),
    )
  const entries = (types: readonly PrimitiveType[]): fc.Arbitrary<readonly ManifestEntry[]> => {
    const file = fc.record({
      content: fc.constantFrom('data' as const, 'position-deletes' as const, 'equality-deletes' as const),
      filePath: fc.string({ unit: 'binary', maxLength: 80 }),
      fileFormat: fc.constantFrom('parquet' as const, 'orc' as const, 'avro' as const, 'puffin' as const),
      partition: fc.tuple(...types.map((type) => fc.option(valueOf(type)))),
      recordCount: fc.maxSafeNat(),
      fileSizeInBytes: fc.maxSafeNat(),
      ...METRICS,
      keyMetadata: optional(fc.uint8Array({ maxLength: 20 })),
      splitOffsets: optional(fc.array(fc.maxSafeNat(), { maxLength: 4 })),
      equalityIds: optional(fc.array(fc.nat(2 ** 31 - 1), { maxLength: 4 })),
      sortOrderId: optional(fc.nat(2 ** 31 - 1)),
      firstRowId: optional(long),
      referencedDataFile: optional(fc.string()),
      contentOffset: optional(fc.maxSafeNat()),
      contentSizeInBytes: optional(fc.maxSafeNat()),
    })
    const numbers = fc.record({ snapshotId: long, sequenceNumber: long, fileSequenceNumber: long })
    const status = fc.constantFrom('added' as const, 'existing' as const, 'deleted' as const)
    return fc.array(
      fc
        .tuple(status, numbers, file)
        .map(([each, all, changes]) =>
          entryOf({ ...all, status: each, ...(each === 'added' && { snapshotId: 7n }), dataFile: dataFile(changes) }),
        ),
      { maxLength: 12 },
    )
  }

  it('are the same both ways, of all partition types, statuses and versions', () => {
    const written = tables.chain((table) =>
      fc.record({
        table: fc.constant(table),
        entries: entries(table.types),
        formatVersion: fc.constantFrom<2 | 3>(2, 3),
      }),
    )
    fc.assert(
      fc.property(
        written,
        fc.constantFrom('data', 'deletes'),
        ({ table: { schema, spec, types }, ...input }, content) => {
          const { bytes } = encodeManifest({
            ...input,
            entries: input.entries.filter(
              ({ dataFile: { content: each } }) => (each === 'data') === (content === 'data'),
            ),
            schema,
            spec,
            content,
            snapshotId: 7n,
            path: 'memory',
          })
          readBothWays(openAvro(bytes, 'memory'), spec, types)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('are looked into long after they were read, of many blocks and parts of blocks', async () => {
    const schema: Schema = { schemaId: 0, fields: [], identifierFieldIds: [] }
    const many = Array.from({ length: 9000 }, (_, i) =>
      entryOf({
        dataFile: dataFile({
          recordCount: i,
          valueCounts: new Map([[1, i]]),
          lowerBounds: new Map([[1, Uint8Array.of(i & 255, i >> 8, ...Buffer.alloc(300))]]),
        }),
      }),
    )
    const metadata = tableOf(schema)
    const [spec] = metadata.partitionSpecs
    if (spec === undefined) throw new Error('a table has a spec')
    const input = { entries: many, schema, spec, formatVersion: 2, content: 'data', snapshotId: 7n } as const
    const { bytes, manifestFile: manifest } = encodeManifest({ ...input, path: 'memory' })
    const read: ManifestEntry[] = []
    for await (const some of decodeManifestAhead(bytes, 'memory', { manifest, metadata })) {
      // Maps of the parts before are looked into while this one is still being read.
      expect(read.at(-1)?.dataFile.valueCounts?.get(1)).toBe(read.length === 0 ? undefined : read.length - 1)
      read.push(...some)
    }
    expect(read.map(({ dataFile: file }) => file.valueCounts?.get(1))).toEqual([...many.keys()])
    const first = read.map(({ dataFile: file }) => file.lowerBounds?.get(1)?.subarray(0, 2))
    expect(first.map((bound) => (bound?.[0] ?? 0) + 256 * (bound?.[1] ?? 0))).toEqual([...many.keys()])
    const kept = decodeManifest(bytes, 'memory', { manifest, metadata, keep: () => true })
    expect(kept.map(({ dataFile: file }) => file.valueCounts?.get(1))).toEqual([...many.keys()])
    // What a filter kept holds few bytes beside its own, not the whole block.
    expect(kept[0]?.dataFile.lowerBounds?.get(1)?.buffer.byteLength).toBeLessThan(20_000)
    for (const runs of [1, 2, 7, 400]) {
      let asked = -1
      const isKept = (): boolean => Math.floor((asked += 1) / runs) % 3 === 0
      const some = decodeManifest(bytes, 'memory', { manifest, metadata, keep: isKept })
      const expected = [...many.keys()].filter((i) => Math.floor(i / runs) % 3 === 0)
      expect(some.map(({ dataFile: file }) => file.recordCount)).toEqual(expected)
      expect(some.map(({ dataFile: file }) => file.valueCounts?.get(1))).toEqual(expected)
      const held = new Set(some.map(({ dataFile: file }) => file.lowerBounds?.get(1)?.buffer))
      const heldBytes = [...held].reduce((sum, buffer) => sum + (buffer?.byteLength ?? 0), 0)
      expect(heldBytes).toBeLessThan(2 * some.length * 350)
    }
  })
})
