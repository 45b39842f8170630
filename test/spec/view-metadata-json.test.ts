import { describe, expect, it } from 'vitest'
import { parseJson, printJson } from '../../src/base/json.ts'
import type { JsonObject, JsonValue } from '../../src/base/json.ts'
import { parseViewMetadata, printViewMetadata } from '../../src/spec/view-metadata-json.ts'
import { readFixture } from './example-metadata.ts'

const VALID = 'iceberg-rust/view_metadata/ViewMetadataV1Valid.json'
const SOURCE = parseJson(readFixture(VALID), VALID) as JsonObject
const [VERSION] = SOURCE['versions'] as JsonObject[]

const viewWith = (changes: JsonObject): string => printJson({ ...SOURCE, ...changes })
const withVersion = (changes: JsonObject): string => viewWith({ versions: [{ ...VERSION, ...changes }] })
const sql = (extra: JsonObject): JsonObject => ({ type: 'sql', sql: 'select 1', dialect: 'spark', ...extra })

describe('view metadata', () => {
  it('is read as the specification has it', () => {
    expect(parseViewMetadata(readFixture(VALID), VALID)).toMatchObject({
      formatVersion: 1,
      viewUuid: 'fa6506c3-7681-40c8-86dc-e36561f83385',
      location: 's3://bucket/warehouse/default.db/event_agg',
      currentVersionId: 1,
      properties: { comment: 'Daily event counts' },
      versions: [
        {
          versionId: 1,
          schemaId: 1,
          defaultCatalog: 'prod',
          defaultNamespace: ['default'],
          summary: { 'engine-name': 'Spark', engineVersion: '3.3.2' },
          representations: [{ type: 'sql', dialect: 'spark', sql: expect.stringMatching(/^SELECT\n/) as string }],
        },
      ],
      versionLog: [{ timestampMs: 1573518431292, versionId: 1 }],
    })
  })

  it.each<[string, string]>([
    ['of the view', viewWith({ 'x-later': { a: 1 } })],
    ['of a version', withVersion({ 'x-later': [9223372036854775807n] })],
    ['of a text in SQL', withVersion({ representations: [sql({ 'x-later': true })] })],
    [
      'in other ways to say what it is',
      withVersion({ representations: [{ type: 'substrait', plan: { b: [] } }, sql({})] }),
    ],
    ['that is not there', withVersion({ 'default-catalog': undefined, 'default-namespace': [] })],
  ])('keeps what it does not know %s', (_, text) => {
    expect(parseJson(printViewMetadata(parseViewMetadata(text, 'x')), 'x')).toEqual(parseJson(text, 'x'))
  })

  it('may name schemas that are gone in versions that are not current', () => {
    const versions: JsonValue = [{ ...VERSION, 'version-id': 0, 'schema-id': 99 }, VERSION ?? null]
    expect(parseViewMetadata(viewWith({ versions }), 'x').versions).toHaveLength(2)
  })

  it.each<[string, string, string]>([
    ['no uuid', viewWith({ 'view-uuid': undefined }), '$.view-uuid: expected a string'],
    ['version 0', viewWith({ 'format-version': 0 }), '$.format-version: expected 1, found 0'],
    ['no versions', viewWith({ versions: [] }), '$.current-version-id: expected the id of one of the versions (none)'],
    ['no log', viewWith({ 'version-log': undefined }), '$.version-log: expected an array, found nothing'],
    ['two versions of one id', viewWith({ versions: [VERSION ?? null, VERSION ?? null] }), '$.versions[1].version-id'],
    ['no summary', withVersion({ summary: undefined }), '$.versions[0].summary: expected an object'],
    [
      'no namespace',
      withVersion({ 'default-namespace': undefined }),
      '$.versions[0].default-namespace: expected an array',
    ],
    ['SQL of no dialect', withVersion({ representations: [{ type: 'sql', sql: 'x' }] }), '.representations[0].dialect'],
  ])('%s is refused', (_, text, message) => {
    expect(() => parseViewMetadata(text, 'x')).toThrow(message)
  })
})
