/** All verbs as help shows them; what a verb does is loaded when it is called: `firn --help` waits for no Parquet. */
import type { Command } from './command.ts'
import type { CommandOption } from './options.ts'

type OptionSet = Readonly<Record<string, CommandOption>>

const TABLE = { least: 1, most: 1 }
const CASE: OptionSet = { 'case-sensitive': { type: 'boolean', help: 'column names must match in case' } }
/** Of commands that only read: TABLE may be a location. */
const READ: OptionSet = {
  'no-relocate': { type: 'boolean', help: 'read files of a copied table where its metadata says, not from the copy' },
}
const FILTER: OptionSet = {
  where: { type: 'string', value: 'FILTER', help: "rows to keep: delay > 60 and origin = 'SFO'" },
  'as-of': { type: 'string', value: 'X', help: 'a snapshot id, a time (2026-01-31T12:00:00Z), a branch or tag' },
  ...CASE,
  ...READ,
}
const LAYOUT: OptionSet = {
  schema: { type: 'string', value: 'COLUMNS', help: "'id long not null, ts timestamptz', or a schema as Iceberg JSON" },
  'partition-by': { type: 'string', value: 'TERMS', help: "how files are divided: 'month(date), bucket(16, id)'" },
  'sort-by': { type: 'string', value: 'TERMS', help: "order of rows in files: 'origin asc, delay desc nulls last'" },
  property: { type: 'string', multiple: true, value: 'KEY=VALUE', help: 'a table property; may be given again' },
  'format-version': { type: 'string', value: '2|3', help: 'Iceberg format version of a new table (2)' },
  ...CASE,
}
const LOAD: OptionSet = {
  format: { type: 'string', value: 'FORMAT', help: 'parquet, csv, ndjson, json; else by the name, ndjson for -' },
  ...LAYOUT,
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  import: {
    summary: 'make a table of files, or add them to one, in one commit',
    usage: 'import TABLE FILE…',
    args: { least: 2, most: Infinity },
    options: LOAD,
    examples: [
      "firn import travel.flights flights-3m.parquet --partition-by 'month(date)' --sort-by origin",
      `firn import app.users users.csv --schema 'id long not null, name string, "since when" date'`,
      'firn import app.events s3://logs/2026/01.ndjson s3://logs/2026/02.ndjson --json',
    ],
    load: async () => (await import('./commands/import.ts')).importFiles,
  },
  append: {
    summary: 'append rows of files or of standard input: all, or none where one does not fit',
    usage: 'append TABLE [FILE… | -]',
    args: { least: 1, most: Infinity },
    options: { create: { type: 'boolean', help: 'make the table of the rows where it is missing' }, ...LOAD },
    examples: [
      'firn append travel.flights 2001-07.parquet',
      'kubectl logs app | firn append app.logs --create',
      'psql -c "copy users to stdout csv header" | firn append app.users - --format csv',
    ],
    load: async () => (await import('./commands/append.ts')).append,
  },
  scan: {
    summary: 'print rows: as a table on a terminal, else a line of JSON each',
    usage: 'scan TABLE',
    args: TABLE,
    options: {
      ...FILTER,
      select: { type: 'string', value: 'COLUMNS', help: 'columns in the order wanted: origin, delay' },
      limit: { type: 'string', value: 'N', help: 'at most so many rows' },
      format: { type: 'string', value: 'FORMAT', help: 'table, ndjson, json, csv; longs beyond 2^53 are JSON strings' },
    },
    examples: [
      'firn scan travel.flights --limit 10',
      'firn scan travel.flights --where "delay > 120" --select origin,delay --format csv > late.csv',
      'firn scan travel.flights --as-of 2026-01-31T12:00:00Z | jq -r .origin | sort | uniq -c',
    ],
    load: async () => (await import('./commands/scan.ts')).scan,
  },
  count: {
    summary: 'count rows',
    usage: 'count TABLE',
    args: TABLE,
    options: FILTER,
    examples: [
      'firn count travel.flights',
      `firn count travel.flights --where "delay > 60 and origin = 'SFO'" --json`,
      'firn count s3://lake/sales/metadata/00003-1b7e.metadata.json',
    ],
    load: async () => (await import('./commands/count.ts')).count,
  },
  plan: {
    summary: 'show what a scan would read, and what it is spared',
    usage: 'plan TABLE',
    args: TABLE,
    options: {
      ...FILTER,
      'row-groups': { type: 'boolean', help: 'read the footers of the files too, to tell which row groups are left' },
    },
    examples: [`firn plan travel.flights --where "date < '2001-02-01' and origin = 'SFO'" --row-groups`],
    load: async () => (await import('./commands/plan.ts')).plan,
  },
  describe: {
    summary: 'show columns, partitioning, order and properties of a table',
    usage: 'describe TABLE',
    args: TABLE,
    options: READ,
    examples: [
      'firn describe travel.flights',
      'firn describe travel.flights --json | jq .schema.fields',
      'firn describe ./copied/table --json | jq .relocated',
    ],
    load: async () => (await import('./commands/describe.ts')).describe,
  },
  snapshots: {
    summary: 'list the snapshots of a table, oldest first',
    usage: 'snapshots TABLE',
    args: TABLE,
    options: READ,
    examples: ['firn snapshots travel.flights', 'firn snapshots travel.flights --json | jq -r .snapshotId'],
    load: async () => (await import('./commands/snapshots.ts')).snapshots,
  },
  files: {
    summary: 'list the data files of a table; with a filter those that may hold rows of it',
    usage: 'files TABLE',
    args: TABLE,
    options: FILTER,
    examples: [
      'firn files travel.flights',
      `firn files travel.flights --where "date < '2001-02-01'" --json | jq .path`,
    ],
    load: async () => (await import('./commands/files.ts')).files,
  },
  ls: {
    summary: 'list namespaces, or the tables of one',
    usage: 'ls [NAMESPACE]',
    args: { least: 0, most: 1 },
    options: {},
    examples: ['firn ls', 'firn ls travel', 'firn ls travel --json | jq -r .identifier'],
    load: async () => (await import('./commands/ls.ts')).ls,
  },
  create: {
    summary: 'make an empty table, and its namespace and the warehouse where they are missing',
    usage: 'create TABLE --schema COLUMNS | --schema-file FILE',
    args: TABLE,
    options: { 'schema-file': { type: 'string', value: 'FILE', help: 'a file with what --schema takes' }, ...LAYOUT },
    examples: [
      `firn create app.events --schema 'id long not null, at timestamptz, tags list<string>' --partition-by 'day(at)'`,
      'firn create app.events --schema-file schema.json --property write.parquet.compression-codec=zstd',
    ],
    load: async () => (await import('./commands/create.ts')).create,
  },
  register: {
    summary: 'give a table that another catalog made a name, by its newest metadata file',
    usage: 'register TABLE METADATA_FILE',
    args: { least: 2, most: 2 },
    options: {},
    examples: ['firn register sales.orders s3://lake/orders/metadata/00057-5c1e.metadata.json'],
    load: async () => (await import('./commands/register.ts')).register,
  },
  deregister: {
    summary: 'take a table out of the warehouse and leave all its files, for another catalog to register',
    usage: 'deregister TABLE',
    args: TABLE,
    options: {
      dropped: { type: 'boolean', help: 'the table that was dropped under the name last' },
      uuid: { type: 'string', value: 'UUID', help: 'only the table of this uuid' },
    },
    examples: ['firn deregister sales.orders', 'firn deregister sales.orders --json | jq -r .metadataLocation'],
    load: async () => (await import('./commands/deregister.ts')).deregister,
  },
  drop: {
    summary: 'take a table away; its files stay',
    usage: 'drop TABLE',
    args: TABLE,
    options: {},
    examples: ['firn drop travel.flights'],
    load: async () => (await import('./commands/drop.ts')).drop,
  },
}
