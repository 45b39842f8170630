/**
 * The codec of view metadata files (view specification, Appendix A). Strict where Java's reader is, and in what views
 * need to be used: the current version is there, and so is its schema. Printing keeps Java's member order.
 */
import { UnsupportedError } from '../base/errors.ts'
import { JsonCursor, parseJson, printJson } from '../base/json.ts'
import type { JsonObject } from '../base/json.ts'
import { parseSchema, printSchema } from './schema-json.ts'
import { unknownMembers } from './snapshot-json.ts'
import { checkIds } from './table-shape-json.ts'
import type { ViewLogEntry, ViewMetadata, ViewRepresentation, ViewVersion } from './view-metadata.ts'

const METADATA_MEMBERS: ReadonlySet<string> = new Set([
  'view-uuid',
  'format-version',
  'location',
  'schemas',
  'current-version-id',
  'versions',
  'version-log',
  'properties',
])
const VERSION_MEMBERS: ReadonlySet<string> = new Set([
  'version-id',
  'timestamp-ms',
  'schema-id',
  'summary',
  'default-catalog',
  'default-namespace',
  'representations',
])
const SQL_MEMBERS: ReadonlySet<string> = new Set(['type', 'sql', 'dialect'])

/**
 * Reads a view's metadata file; `location` names it in errors.
 * Errors: InvalidDataError with the path of what is wrong, UnsupportedError for a higher version.
 */
export function parseViewMetadata(text: string, location: string): ViewMetadata {
  const root = new JsonCursor(parseJson(text, location), location)
  const metadata: ViewMetadata = {
    formatVersion: parseFormatVersion(root.get('format-version')),
    viewUuid: root.get('view-uuid').string(),
    location: root.get('location').string(),
    schemas: root.get('schemas').array().map(parseSchema),
    currentVersionId: root.get('current-version-id').integer(),
    versions: root.get('versions').array().map(parseVersion),
    versionLog: root.get('version-log').array().map(parseLogEntry),
    properties: root.optional('properties', (c) => c.stringMap()) ?? {},
    extra: unknownMembers(root, METADATA_MEMBERS) ?? {},
  }
  checkReferences(metadata, root)
  return metadata
}

/** Compact. */
export function printViewMetadata(metadata: ViewMetadata): string {
  const { properties } = metadata
  return printJson({
    'view-uuid': metadata.viewUuid,
    'format-version': metadata.formatVersion,
    location: metadata.location,
    properties: Object.keys(properties).length > 0 ? properties : undefined,
    schemas: metadata.schemas.map(printSchema),
    'current-version-id': metadata.currentVersionId,
    versions: metadata.versions.map(printVersion),
    'version-log': metadata.versionLog.map((entry) => ({
      'timestamp-ms': entry.timestampMs,
      'version-id': entry.versionId,
    })),
    ...metadata.extra,
  })
}

function parseFormatVersion(cursor: JsonCursor): 1 {
  const version = cursor.integer()
  if (version === 1) return version
  if (version < 1) return cursor.fail('1')
  throw new UnsupportedError(`the view has format version ${version} and firn reads 1: use a newer firn`, {
    context: { location: cursor.location, path: cursor.path, formatVersion: version },
  })
}

function parseVersion(cursor: JsonCursor): ViewVersion {
  return {
    versionId: cursor.get('version-id').integer(),
    timestampMs: cursor.get('timestamp-ms').integer(),
    schemaId: cursor.get('schema-id').integer(),
    summary: cursor.get('summary').stringMap(),
    defaultCatalog: cursor.optional('default-catalog', (c) => c.string()),
    defaultNamespace: cursor
      .get('default-namespace')
      .array()
      .map((level) => level.string()),
    representations: cursor.get('representations').array().map(parseRepresentation),
    extra: unknownMembers(cursor, VERSION_MEMBERS),
  }
}

function printVersion(version: ViewVersion): JsonObject {
  return {
    'version-id': version.versionId,
    'timestamp-ms': version.timestampMs,
    'schema-id': version.schemaId,
    summary: version.summary,
    'default-catalog': version.defaultCatalog,
    'default-namespace': version.defaultNamespace,
    representations: version.representations.map(printRepresentation),
    ...version.extra,
  }
}

/** Two texts of one dialect are wrong, but written: Java reads them too, and only refuses to add such a version. */
function parseRepresentation(cursor: JsonCursor): ViewRepresentation {
  if (cursor.get('type').string().toLowerCase() !== 'sql') {
    return { type: 'unknown', json: unknownMembers(cursor, new Set()) ?? {} }
  }
  return {
    type: 'sql',
    sql: cursor.get('sql').string(),
    dialect: cursor.get('dialect').string(),
    extra: unknownMembers(cursor, SQL_MEMBERS),
  }
}

function printRepresentation(representation: ViewRepresentation): JsonObject {
  if (representation.type === 'unknown') return representation.json
  const { sql, dialect, extra } = representation
  return { type: 'sql', sql, dialect, ...extra }
}

function parseLogEntry(cursor: JsonCursor): ViewLogEntry {
  return { timestampMs: cursor.get('timestamp-ms').integer(), versionId: cursor.get('version-id').integer() }
}

/** Versions but the current one may name schemas that are gone: they are history. */
function checkReferences({ schemas, versions, currentVersionId }: ViewMetadata, root: JsonCursor): void {
  const [schemaIds, versionIds] = [schemas.map((s) => s.schemaId), versions.map((v) => v.versionId)]
  checkIds(root.get('schemas'), 'schema-id', schemaIds)
  checkIds(root.get('versions'), 'version-id', versionIds)
  const index = versionIds.indexOf(currentVersionId)
  const current = versions[index]
  if (current === undefined) {
    return root.get('current-version-id').fail(`the id of one of the versions (${versionIds.join(', ') || 'none'})`)
  }
  if (schemaIds.includes(current.schemaId)) return
  const expected = `the id of one of the schemas (${schemaIds.join(', ') || 'none'})`
  root.get('versions').array()[index]?.get('schema-id').fail(expected)
}
