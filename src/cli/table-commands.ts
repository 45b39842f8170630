/** Verbs that show what a table is made of; all of them take the location of a table in place of its name. */
import type { Command } from './command.ts'
import { AS_OF, FILTER, READ, TABLE } from './option-sets.ts'

export const TABLE_COMMANDS: Readonly<Record<string, Command>> = {
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
  schema: {
    summary: 'show the columns of a table; with --json as Iceberg JSON',
    usage: 'schema TABLE',
    args: TABLE,
    options: { ...AS_OF, all: { type: 'boolean', help: 'all schemas that the table has had' }, ...READ },
    examples: ['firn schema travel.flights', 'firn schema travel.flights --json > schema.json'],
    load: async () => (await import('./commands/schema.ts')).schema,
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
    options: { ...FILTER, hist: { type: 'boolean', help: 'how many files there are of which size' } },
    examples: [
      'firn files travel.flights',
      'firn files travel.flights --hist',
      `firn files travel.flights --where "date < '2001-02-01'" --json | jq .path`,
    ],
    load: async () => (await import('./commands/files.ts')).files,
  },
  history: {
    summary: 'list which snapshot was the current one, from when on',
    usage: 'history TABLE',
    args: TABLE,
    options: READ,
    examples: ['firn history travel.flights'],
    load: async () => (await import('./commands/history.ts')).history,
  },
  refs: {
    summary: 'list branches and tags, and how long they are kept',
    usage: 'refs TABLE',
    args: TABLE,
    options: READ,
    examples: ['firn refs travel.flights'],
    load: async () => (await import('./commands/refs.ts')).refs,
  },
  manifests: {
    summary: 'list the manifests of a snapshot',
    usage: 'manifests TABLE',
    args: TABLE,
    options: { ...AS_OF, ...READ },
    examples: ['firn manifests travel.flights', 'firn manifests travel.flights --json | jq .sizeBytes'],
    load: async () => (await import('./commands/manifests.ts')).manifests,
  },
  partitions: {
    summary: 'list partitions with their files, rows and deletes',
    usage: 'partitions TABLE',
    args: TABLE,
    options: { ...AS_OF, ...READ },
    examples: ['firn partitions travel.flights', 'firn partitions travel.flights --json | jq .dataFiles'],
    load: async () => (await import('./commands/partitions.ts')).partitions,
  },
}
