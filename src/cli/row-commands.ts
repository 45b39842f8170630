/** Verbs that write and read rows. */
import { OUTPUT_FORMATS } from './choices.ts'
import type { Command } from './command.ts'
import { FILTER, LOAD, SELECTION, TABLE } from './option-sets.ts'

export const ROW_COMMANDS: Readonly<Record<string, Command>> = {
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
      ...SELECTION,
      format: {
        type: 'string',
        value: 'FORMAT',
        choices: OUTPUT_FORMATS,
        help: 'table, ndjson, json, csv; longs beyond 2^53 are JSON strings',
      },
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
      'row-groups': {
        type: 'boolean',
        help: 'read the footers of the files too, to tell which row groups and pages are left',
      },
    },
    examples: [`firn plan travel.flights --where "date < '2001-02-01' and origin = 'SFO'" --row-groups`],
    load: async () => (await import('./commands/plan.ts')).plan,
  },
}
