/** Options that several commands have. */
import { FORMAT_VERSIONS, INPUT_FORMATS } from './choices.ts'
import type { CommandOption } from './options.ts'

export type OptionSet = Readonly<Record<string, CommandOption>>

/** One argument: a table. */
export const TABLE = { least: 1, most: 1 }
const CASE: OptionSet = { 'case-sensitive': { type: 'boolean', help: 'column names must match in case' } }
/** Of commands that only read: TABLE may be a location. */
export const READ: OptionSet = {
  'no-relocate': { type: 'boolean', help: 'read files of a copied table where its metadata says, not from the copy' },
}
export const AS_OF: OptionSet = {
  'as-of': { type: 'string', value: 'X', help: 'a snapshot id, a time (2026-01-31T12:00:00Z), a branch or tag' },
}
export const FILTER: OptionSet = {
  where: { type: 'string', value: 'FILTER', help: "rows to keep: delay > 60 and origin = 'SFO'" },
  ...AS_OF,
  ...CASE,
  ...READ,
}
export const SELECTION: OptionSet = {
  select: { type: 'string', value: 'COLUMNS', help: 'columns in the order wanted: origin, delay' },
  limit: { type: 'string', value: 'N', help: 'at most so many rows' },
}
export const LAYOUT: OptionSet = {
  schema: { type: 'string', value: 'COLUMNS', help: "'id long not null, ts timestamptz', or a schema as Iceberg JSON" },
  'partition-by': { type: 'string', value: 'TERMS', help: "how files are divided: 'month(date), bucket(16, id)'" },
  'sort-by': { type: 'string', value: 'TERMS', help: "order of rows in files: 'origin asc, delay desc nulls last'" },
  property: { type: 'string', multiple: true, value: 'KEY=VALUE', help: 'a table property; may be given again' },
  'format-version': {
    type: 'string',
    value: '2|3',
    choices: FORMAT_VERSIONS,
    help: 'Iceberg format version of a new table (2)',
  },
  ...CASE,
}
export const LOAD: OptionSet = {
  format: {
    type: 'string',
    value: 'FORMAT',
    choices: INPUT_FORMATS,
    help: 'parquet, csv, ndjson, json; else by the name, ndjson for -',
  },
  ...LAYOUT,
}
