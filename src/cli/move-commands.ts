/** Verbs that bring data in and out as files, without or with a catalog. */
import type { Command } from './command.ts'
import { LAYOUT } from './option-sets.ts'

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
}
