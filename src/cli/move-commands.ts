/** Verbs that bring data in and out as files, without or with a catalog. */
import { EXPORT_FORMATS } from './choices.ts'
import type { Command } from './command.ts'
import { FILTER, LAYOUT, SELECTION, TABLE } from './option-sets.ts'

export const MOVE_COMMANDS: Readonly<Record<string, Command>> = {
  'add-files': {
    summary: 'make existing Parquet files part of a table as they lie, without rewriting them',
    usage: 'add-files TABLE FILE_OR_FOLDER…',
    args: { least: 2, most: Infinity },
    options: {
      create: { type: 'boolean', help: 'make the table of the files where it is missing' },
      hive: {
        type: 'boolean',
        help: 'with --create: key=value folders become columns, and the table is divided by them',
      },
      'no-hive': { type: 'boolean', help: 'do not take partitions from key=value folders' },
      partition: { type: 'string', multiple: true, value: 'KEY=VALUE', help: 'the partition that all files are of' },
      'name-mapping': { type: 'string', value: 'JSON', help: 'how columns of files without field ids are called' },
      'allow-duplicates': { type: 'boolean', help: 'take files that the table has already once more' },
      'dry-run': { type: 'boolean', help: 'check everything and change nothing' },
      ...LAYOUT,
    },
    examples: [
      'firn add-files travel.flights s3://lake/flights/2001/',
      'firn add-files app.events s3://old/warehouse/events --create --hive',
      "firn add-files app.events part-0001.parquet --partition 'day=2026-01-31' --dry-run",
    ],
    load: async () => (await import('./commands/add-files.ts')).addFiles,
  },
  export: {
    summary: 'write the rows of a table to a file, or a copy of the table to another location',
    usage: 'export TABLE --to FILE',
    args: TABLE,
    options: {
      to: { type: 'string', value: 'LOCATION', help: 'a file, or for iceberg a folder; a path or s3://bucket/key' },
      format: {
        type: 'string',
        value: 'FORMAT',
        choices: EXPORT_FORMATS,
        help: 'parquet, csv, ndjson, iceberg; else by the name of the file',
      },
      overwrite: { type: 'boolean', help: 'replace the file where there is one' },
      'current-only': { type: 'boolean', help: 'with iceberg: the current snapshot, without history and branches' },
      ...SELECTION,
      ...FILTER,
    },
    examples: [
      'firn export travel.flights --to flights.csv --where "delay > 60" --select origin,delay',
      'firn export travel.flights --to s3://backup/flights-2026.parquet --as-of 2026-01-01T00:00:00Z',
      'firn export travel.flights --to s3://backup/flights --format iceberg',
    ],
    load: async () => (await import('./commands/export.ts')).exportTable,
  },
  'catalog copy': {
    summary: 'copy tables of one warehouse to another, all of them or those named; again to go on',
    usage: 'catalog copy FROM TO [TABLE…]',
    args: { least: 2, most: Infinity },
    takesLocation: true,
    options: { 'current-only': { type: 'boolean', help: 'current snapshots, without history and branches' } },
    examples: [
      'firn catalog copy ./warehouse s3://lake/warehouse',
      'firn catalog copy s3://old/lake s3://new/lake travel.flights travel.airports --json',
    ],
    load: async () => (await import('./commands/catalog-copy.ts')).catalogCopy,
  },
}
