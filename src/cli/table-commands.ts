/** Verbs that show what a table is made of; all of them take the location of a table in place of its name. */
import type { Command } from './command.ts'
import { FILTER, READ, TABLE } from './option-sets.ts'

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
}
