/** Metadata at random: what is sound survives writing and reading, what is damaged fails as damage, quickly. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IcebergError, InvalidDataError } from '../../src/base/errors.ts'
import { parseJson, printJson } from '../../src/base/json.ts'
import type { JsonObject, JsonValue } from '../../src/base/json.ts'
import { applyTableUpdates } from '../../src/spec/apply-table-updates.ts'
import { decodeTableMetadata, encodeTableMetadata } from '../../src/manifest/metadata-file.ts'
import { parseTableMetadata, printTableMetadata } from '../../src/spec/table-metadata-json.ts'
import { parseViewMetadata, printViewMetadata } from '../../src/spec/view-metadata-json.ts'
import { readFixture } from './example-metadata.ts'
import { METADATA } from './metadata-arbitraries.ts'

describe('sound metadata', () => {
  it('prints and parses to itself, plain and gzipped', () => {
    fc.assert(
      fc.property(METADATA, fc.boolean(), (table, gzip) => {
        expect(decodeTableMetadata(encodeTableMetadata(table, { gzip }), 'x')).toEqual(table)
      }),
      { numRuns: 100 },
    )
  })

  it('keeps what an update does not touch', () => {
    fc.assert(
      fc.property(METADATA, (table) => {
        const read = parseTableMetadata(printTableMetadata(table), 'x')
        const updated = applyTableUpdates(read, [{ action: 'set-properties', updates: { 'x-new': 'y' } }], { nowMs: 0 })
        const { lastUpdatedMs: _, properties, ...rest } = parseTableMetadata(printTableMetadata(updated), 'x')
        expect(properties).toEqual({ ...table.properties, 'x-new': 'y' })
        // Optional members that are undefined are no members here.
        const { lastUpdatedMs: __, properties: ___, ...before } = table
        expect(rest).toEqual(before)
      }),
      { numRuns: 100 },
    )
  })

  it('upgrades to version 2 and 3 by the rules', () => {
    const assign = { action: 'assign-uuid', uuid: '9c12d441-03fe-4693-9a96-a0705ddf69c1' } as const
    fc.assert(
      fc.property(
        METADATA.filter(({ formatVersion }) => formatVersion < 3),
        fc.constantFrom(2 as const, 3 as const),
        (table, formatVersion) => {
          fc.pre(table.formatVersion < formatVersion)
          const upgrade = { action: 'upgrade-format-version', formatVersion } as const
          const updated = applyTableUpdates(table, [assign, upgrade], { nowMs: 0 })
          const read = parseTableMetadata(printTableMetadata(updated), 'x')
          // Sequence numbers of version 1 are 0; no row of an older snapshot has an id before it is given one.
          expect(read).toMatchObject({ formatVersion, lastSequenceNumber: table.lastSequenceNumber, nextRowId: 0n })
          const fresh = table.snapshots.map(({ sequenceNumber }) => ({ sequenceNumber, firstRowId: undefined }))
          expect(read.snapshots).toMatchObject(fresh)
          if (table.formatVersion === 1) expect(read.snapshots.every((s) => s.sequenceNumber === 0n)).toBe(true)
          expect(read.refs).toEqual(table.refs)
        },
      ),
      { numRuns: 100 },
    )
  })
})

const FILES = [
  ['iceberg-java/core/TableMetadataV1Valid.json', parseTableMetadata, printTableMetadata],
  ['iceberg-java/core/TableMetadataV2Valid.json', parseTableMetadata, printTableMetadata],
  ['iceberg-java/core/TableMetadataStatisticsFiles.json', parseTableMetadata, printTableMetadata],
  ['iceberg-rust/table_metadata/TableMetadataV3ValidEncryption.json', parseTableMetadata, printTableMetadata],
  ['iceberg-java/core/org/apache/iceberg/view/ValidViewMetadata.json', parseViewMetadata, printViewMetadata],
] as const

/** Everything a value may be replaced by: huge, deep, of another type, of no use. */
const HOSTILE: readonly string[] = [
  'null',
  'true',
  '-1',
  '1.5',
  '1e400',
  '-1e400',
  '1e-400',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775809',
  '9'.repeat(20_000),
  `1e${'9'.repeat(1000)}`,
  '""',
  `"${'a'.repeat(100_000)}"`,
  '"\\ud800"',
  '"9223372036854775807n"',
  '[]',
  '{}',
  '[null]',
  '{"type":null}',
  '['.repeat(5_000) + ']'.repeat(5_000),
  '{"a":'.repeat(5_000) + '1' + '}'.repeat(5_000),
  `${'{"type":"list","element-id":1,"element-required":true,"element":'.repeat(2_000)}"int"${'}'.repeat(2_000)}`,
  '{"__proto__":{"x":1}}',
]
const SLOWEST_MS = 5_000

describe.each(FILES)('damage to %s', (path, parse, print) => {
  const text = readFixture(path)

  /** Parses to something that prints and parses again, or fails with an error that says where. */
  function survives(damaged: string): void {
    const startMs = performance.now()
    try {
      const value = parse(damaged, 's3://b/x') as never
      const printed = (print as (value: never) => string)(value)
      expect(parse(printed, 'what was printed')).toEqual(value)
    } catch (error) {
      if (!(error instanceof IcebergError)) throw error
      expect(error.context['location'], error.message).toBe('s3://b/x')
    }
    expect(performance.now() - startMs).toBeLessThan(SLOWEST_MS)
  }

  it('by flipped bits, cuts and insertions', () => {
    const bytes = Buffer.from(text)
    const at = fc.nat(bytes.length - 1)
    fc.assert(
      fc.property(fc.array(fc.tuple(at, fc.nat(7)), { minLength: 1, maxLength: 4 }), (flips) => {
        const copy = Buffer.from(bytes)
        for (const [i, bit] of flips) copy[i] = (copy[i] ?? 0) ^ (1 << bit)
        survives(copy.toString('latin1'))
      }),
      { numRuns: 200 },
    )
    fc.assert(
      fc.property(at, fc.nat(40), fc.string({ maxLength: 3 }), (i, length, insert) => {
        survives(text.slice(0, i) + insert + text.slice(i + length))
        survives(text.slice(0, i))
      }),
      { numRuns: 100 },
    )
  })

  it('by values that are hostile, one for each value of the document', { timeout: 120_000 }, () => {
    const places = valuesOf(parseJson(text, path))
    expect(places.length).toBeGreaterThan(20)
    for (const [i, place] of places.entries()) {
      // All at each place of one file; at those of the others some, each in its turn.
      const chosen = path.endsWith('V2Valid.json')
        ? HOSTILE
        : [0, 8, 16].map((k) => HOSTILE[(i + k) % HOSTILE.length] ?? '')
      for (const hostile of chosen) survives(replaced(parseJson(text, path), place, hostile))
    }
  })

  it('by members that are missing or of other types is told with the path', () => {
    const document = parseJson(text, path) as JsonObject
    for (const key of Object.keys(document)) {
      for (const value of [undefined, 'text', 7, true, [7], { a: 7 }]) {
        try {
          parse(printJson({ ...document, [key]: value }), 'x')
        } catch (error) {
          expect(error).toBeInstanceOf(IcebergError)
          expect((error as IcebergError).message, key).toMatch(/^\$|the (?:table|view) has format version/)
        }
      }
    }
  })
})

it('damage to a gzipped file is told as such', () => {
  const table = parseTableMetadata(readFixture('iceberg-java/core/TableMetadataV2Valid.json'), 'x')
  const bytes = encodeTableMetadata(table, { gzip: true })
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(7), (i, bit) => {
      const copy = bytes.slice()
      copy[i] = (copy[i] ?? 0) ^ (1 << bit)
      try {
        expect(decodeTableMetadata(copy, 's3://b/x')).toEqual(table)
      } catch (error) {
        if (!(error instanceof IcebergError)) throw error
        expect(error).toBeInstanceOf(InvalidDataError)
        expect(error.context['location']).toBe('s3://b/x')
      }
    }),
    { numRuns: 100 },
  )
})

type Place = readonly (string | number)[]

function valuesOf(value: JsonValue | undefined, place: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [place]
  const below = Object.entries(value).flatMap(([key, member]) => valuesOf(member as JsonValue, [...place, key]))
  return [place, ...below]
}

/** The document as text, with `text` in place of one value. */
function replaced(value: JsonValue | undefined, [key, ...rest]: Place, text: string): string {
  if (key === undefined || typeof value !== 'object' || value === null) return text
  const members = Object.entries(value).map(([name, member]) => {
    const printed = name === String(key) ? replaced(member, rest, text) : printJson(member ?? null)
    return Array.isArray(value) ? printed : `${JSON.stringify(name)}:${printed}`
  })
  return Array.isArray(value) ? `[${members.join()}]` : `{${members.join()}}`
}
