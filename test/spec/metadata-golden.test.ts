/**
 * Every table and view metadata file of other writers: read and printed again to an equal value, but for what is named
 * here one by one; and every invalid one refused with what is wrong and where.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { IcebergError, InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import { JsonCursor, parseJson, printJson } from '../../src/base/json.ts'
import type { JsonObject, JsonValue } from '../../src/base/json.ts'
import { decodeTableMetadata, encodeTableMetadata } from '../../src/manifest/metadata-file.ts'

import { parseSchema, printSchema } from '../../src/spec/schema-json.ts'
import { parseTableMetadata, printTableMetadata } from '../../src/spec/table-metadata-json.ts'
import { parseViewMetadata, printViewMetadata } from '../../src/spec/view-metadata-json.ts'
import { FIXTURES, readFixture } from './example-metadata.ts'

const VIEWS = /ViewMetadata[^/]*\.json$/
const TABLES = /\/TableMetadata[^/]*\.json$|\/example_[^/]*\.json$|\.metadata\.json(?:\.gz)?$/
const paths = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }).toSorted()
const tables = paths.filter((path) => TABLES.test(path))
const views = paths.filter((path) => VIEWS.test(path))

/** By the end of the file's name: the part of the message that says what is wrong, with its path. */
const REFUSED_TABLES: Readonly<Record<string, string>> = {
  'iceberg-java/core/TableMetadataUnsupportedVersion.json': 'the table has format version 42 and firn reads 1 to 3',
  // Says version 3, from when iceberg-rust had none, and has the members of version 1.
  'iceberg-rust/table_metadata/TableMetadataUnsupportedVersion.json': '$.schemas: expected an array, found nothing',
  'TableMetadataV1MissingSchemaType.json': '$.schema.type: expected a string, found nothing',
  'TableMetadataV1NoValidSchema.json': '$.current-schema-id: expected an integer, found nothing',
  'TableMetadataV2CurrentSchemaNotFound.json':
    '$.current-schema-id: expected the id of one of the schemas (0, 1), found 2',
  'TableMetadataV2MissingLastPartitionId.json': '$.last-partition-id: expected an integer, found nothing',
  'TableMetadataV2MissingPartitionSpecs.json': '$.partition-specs: expected an array, found nothing',
  'TableMetadataV2MissingSchemas.json': '$.schemas: expected an array, found nothing',
  'TableMetadataV2MissingSortOrder.json': '$.sort-orders: expected an array, found nothing',
}
const REFUSED_VIEWS: Readonly<Record<string, string>> = {
  'ViewMetadataInvalidCurrentSchema.json':
    '$.versions[1].schema-id: expected the id of one of the schemas (1), found 1234',
  'ViewMetadataInvalidCurrentVersion.json':
    '$.current-version-id: expected the id of one of the versions (1, 2), found 1234',
  'ViewMetadataMissingCurrentVersion.json': '$.current-version-id: expected an integer, found nothing',
  'ViewMetadataMissingLocation.json': '$.location: expected a string, found nothing',
  'ViewMetadataUnsupportedVersion.json': 'the view has format version 2 and firn reads 1',
  'ViewMetadataV1CurrentVersionNotFound.json':
    '$.current-version-id: expected the id of one of the versions (1), found 2',
  'ViewMetadataV1MissingCurrentVersion.json': '$.current-version-id: expected an integer, found nothing',
  'ViewMetadataV1MissingSchema.json': '$.current-version-id: expected an integer, found nothing',
  'ViewMetadataV1SchemaNotFound.json': '$.versions[0].schema-id: expected the id of one of the schemas (1), found 2',
}
const reasonOf = (table: Readonly<Record<string, string>>, path: string): string | undefined =>
  Object.entries(table).find(([end]) => path.endsWith(end))?.[1]

interface Difference {
  readonly path: string
  readonly from: JsonValue | undefined
  readonly to: JsonValue | undefined
}

/** Where printing differs from what was read, and why it may. Paths have no indexes. */
const NORMALISATIONS: readonly { readonly name: string; readonly allows: (d: Difference) => boolean }[] = [
  {
    name: 'absent lists and maps are written empty, as Java writes them',
    allows: ({ path, from, to }) =>
      from === undefined &&
      /^\$\.(?:statistics|partition-statistics|snapshot-log|metadata-log|snapshots|refs|properties)$/.test(path) &&
      Object.keys(to ?? { none: 1 }).length === 0,
  },
  {
    name: 'an absent current snapshot is -1, in version 3 null',
    allows: ({ path, from, to }) =>
      path === '$.current-snapshot-id' && from === undefined && (to === -1 || to === null),
  },
  {
    name: 'the current snapshot is that of main, where there were no references yet',
    allows: ({ path, from, to }) =>
      /^\$\.refs(?:\.main)?$/.test(path) && from === undefined && JSON.stringify(to, bigintsAsText).includes('branch'),
  },
  {
    name: 'identifier fields that are none are left out',
    allows: ({ path, from, to }) =>
      path.endsWith('.identifier-field-ids') && to === undefined && Array.isArray(from) && from.length === 0,
  },
  {
    name: 'sequence number 0 of a snapshot from version 1 is left out',
    allows: ({ path, from, to }) => path === '$.snapshots[].sequence-number' && from === 0 && to === undefined,
  },
  {
    name: 'version 1 is written with the singular and the plural forms, and all ids',
    allows: ({ path, from, to }) =>
      from === undefined &&
      to !== undefined &&
      /^\$\.(?:schemas?|schema\.schema-id|current-schema-id|partition-specs?|default-spec-id|last-partition-id|sort-orders|default-sort-order-id)$/.test(
        path,
      ),
  },
]

const bigintsAsText = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)

function differences(from: JsonValue | undefined, to: JsonValue | undefined, path = '$'): Difference[] {
  if (from === to) return []
  const isNested = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null
  if (!isNested(from) || !isNested(to) || Array.isArray(from) !== Array.isArray(to)) return [{ path, from, to }]
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])]
  return keys.flatMap((key) => differences(from[key], to[key], Array.isArray(from) ? `${path}[]` : `${path}.${key}`))
}

function failure(read: () => unknown): IcebergError {
  try {
    read()
  } catch (error) {
    if (error instanceof IcebergError) return error
    throw error
  }
  throw new Error('expected a refusal')
}

const valid = tables.filter((path) => reasonOf(REFUSED_TABLES, path) === undefined && !path.includes('.zstd.'))

describe('table metadata', () => {
  it('is found', () => {
    expect(tables.length).toBeGreaterThan(85)
    expect(tables.length - valid.length).toBeGreaterThan(18)
  })

  const used = new Set<string>()
  it.each(valid)('%s is printed as it was', (path) => {
    const bytes = readFileSync(join(FIXTURES, path))
    const metadata = decodeTableMetadata(bytes, path)
    const printed = printTableMetadata(metadata)
    expect(parseTableMetadata(printed, path)).toEqual(metadata)
    for (const gzip of [false, true]) {
      expect(decodeTableMetadata(encodeTableMetadata(metadata, { gzip }), path)).toEqual(metadata)
    }
    if (bytes[0] === 0x1f) return
    for (const difference of differences(parseJson(bytes.toString(), path), parseJson(printed, path))) {
      const rule = NORMALISATIONS.find(({ allows }) => allows(difference))
      expect(rule, JSON.stringify(difference, bigintsAsText)).toBeDefined()
      used.add(rule?.name ?? '')
    }
  })

  it.each(valid.filter((path) => path.includes('equality_deletes') || path.includes('expression_filter')))(
    '%s, written by Java, is printed byte for byte',
    (path) => {
      const text = readFixture(path)
      expect(printTableMetadata(parseTableMetadata(text, path))).toBe(printJson(parseJson(text, path)))
    },
  )

  it('needs each of the normalisations', () => {
    expect(NORMALISATIONS.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([])
  })

  it.each(tables.filter((path) => reasonOf(REFUSED_TABLES, path) !== undefined))('%s is refused', (path) => {
    const error = failure(() => parseTableMetadata(readFixture(path), path))
    expect(error.message).toContain(reasonOf(REFUSED_TABLES, path))
    expect(error).toBeInstanceOf(error.message.includes('use a newer firn') ? UnsupportedError : InvalidDataError)
    expect(error.context).toMatchObject({ location: path, path: expect.stringMatching(/^\$\./) as string })
  })

  it.each(Object.keys(REFUSED_TABLES))('%s exists', (name) => {
    expect(tables.some((path) => path.endsWith(name))).toBe(true)
  })
})

describe('view metadata', () => {
  it.each(views.filter((path) => reasonOf(REFUSED_VIEWS, path) === undefined))('%s is printed as it was', (path) => {
    const text = readFixture(path)
    const metadata = parseViewMetadata(text, path)
    const printed = printViewMetadata(metadata)
    expect(parseViewMetadata(printed, path)).toEqual(metadata)
    expect(parseJson(printed, path)).toEqual(parseJson(text, path))
  })

  it.each(views.filter((path) => reasonOf(REFUSED_VIEWS, path) !== undefined))('%s is refused', (path) => {
    const error = failure(() => parseViewMetadata(readFixture(path), path))
    expect(error.message).toContain(reasonOf(REFUSED_VIEWS, path))
    expect(error).toBeInstanceOf(path.endsWith('UnsupportedVersion.json') ? UnsupportedError : InvalidDataError)
    expect(error.context).toMatchObject({ location: path, path: expect.stringMatching(/^\$\./) as string })
  })

  it('has all of them', () => {
    expect(views.filter((path) => reasonOf(REFUSED_VIEWS, path) === undefined).map((path) => basename(path))).toEqual([
      'ValidViewMetadata.json',
      // Wrong, but read by Java too, which only refuses to add such a version.
      'ViewMetadataMultipleSQLsForDialect.json',
      'ViewMetadataV1Valid.json',
    ])
    for (const name of Object.keys(REFUSED_VIEWS)) expect(views.some((path) => path.endsWith(name))).toBe(true)
  })
})

it('the schema of Java with geometry and geography is printed as it was, but for what is implied', () => {
  const path = 'iceberg-go/geo-schema-java-main.json'
  const source = parseJson(readFixture(path), path)
  const printed = printSchema(parseSchema(new JsonCursor(source, path)))
  // CRS84 is what is meant where no CRS is named.
  const implied = (text: string): string => text.replaceAll('OGC:CRS84, ', '')
  expect(implied(printJson(printed))).toBe(implied(printJson(source)))
})
