/** Verbs that make, list, rename and drop tables and namespaces. */
import type { Command } from './command.ts'
import { LAYOUT, TABLE } from './option-sets.ts'

export const CATALOG_COMMANDS: Readonly<Record<string, Command>> = {
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
