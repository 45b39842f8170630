/** Schemas as JSON (spec, Appendix C "Schemas"): in table metadata, manifests and requests to catalogs. */
import { printJson } from '../base/json.ts'
import type { JsonCursor, PrintableObject } from '../base/json.ts'
import { memoizeWeak } from '../base/memo.ts'
import { parseFields, printField } from './type-json.ts'
import type { Schema } from './types.ts'

/** Reads a schema; v1 may leave out `schema-id`, which is 0 then. InvalidDataError with the path. */
export function parseSchema(cursor: JsonCursor): Schema {
  const identifiers = cursor.optional('identifier-field-ids', (ids) => ids.array().map((id) => id.integer()))
  return {
    schemaId: cursor.optional('schema-id', (id) => id.integer()) ?? 0,
    fields: parseFields(cursor.get('fields')),
    identifierFieldIds: identifiers ?? [],
  }
}

export function printSchema(schema: Schema): PrintableObject {
  const { identifierFieldIds } = schema
  return {
    type: 'struct',
    'schema-id': schema.schemaId,
    'identifier-field-ids': identifierFieldIds.length > 0 ? identifierFieldIds : undefined,
    fields: schema.fields.map(printField),
  }
}

/** The printed schema, as data files and manifests carry it. */
export const schemaText: (schema: Schema) => string = memoizeWeak((schema) => printJson(printSchema(schema)))

/** Whether two schemas have the same fields, with ids, docs and defaults, and identifiers; their own ids aside. */
export function sameSchema(a: Schema, b: Schema): boolean {
  return a === b || canonicalText(a) === canonicalText(b)
}

function canonicalText(schema: Schema): string {
  const identifierFieldIds = schema.identifierFieldIds.toSorted((a, b) => a - b)
  return printJson(printSchema({ ...schema, schemaId: 0, identifierFieldIds }))
}
