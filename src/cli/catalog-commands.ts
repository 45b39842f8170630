/** Verbs that make, list, rename and drop tables and namespaces. */
import type { Command } from './command.ts'
import { LAYOUT, TABLE } from './option-sets.ts'
import type { OptionSet } from './option-sets.ts'

const NAMESPACE = { least: 1, most: 1 }
const YES: OptionSet = { yes: { type: 'boolean', help: 'yes, delete the files for good' } }
const UUID: OptionSet = {
  uuid: { type: 'string', value: 'UUID', help: 'which of several tables dropped under the name; else the newest' },
}

export const CATALOG_COMMANDS: Readonly<Record<string, Command>> = {
  ls: {
    summary: 'list namespaces, or the tables of one',
    usage: 'ls [NAMESPACE]',
    args: { least: 0, most: 1 },
    options: { dropped: { type: 'boolean', help: 'what was dropped, and can be brought back' } },
    examples: ['firn ls', 'firn ls travel', 'firn ls travel --json | jq -r .identifier', 'firn ls --dropped'],
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
  rename: {
    summary: 'give a table another name, in another namespace too; no data moves',
    usage: 'rename TABLE NEW_NAME',
    args: { least: 2, most: 2 },
    options: {},
    examples: ['firn rename travel.flights travel.legs', 'firn rename travel.flights archive.flights'],
    load: async () => (await import('./commands/rename.ts')).rename,
  },
  drop: {
    summary: 'take a table away; its files stay, so that undrop brings it back',
    usage: 'drop TABLE',
    args: TABLE,
    options: { purge: { type: 'boolean', help: 'delete its files too' }, ...YES },
    examples: ['firn drop travel.flights', 'firn drop travel.flights --purge --yes'],
    load: async () => (await import('./commands/drop.ts')).drop,
  },
  undrop: {
    summary: 'bring a dropped table back',
    usage: 'undrop DROPPED_TABLE',
    args: TABLE,
    options: { ...UUID, to: { type: 'string', value: 'TABLE', help: 'another name for it' } },
    examples: ['firn undrop travel.flights', 'firn undrop travel.flights --to travel.old'],
    load: async () => (await import('./commands/undrop.ts')).undrop,
  },
  purge: {
    summary: 'delete the files of a dropped table for good',
    usage: 'purge DROPPED_TABLE --yes',
    args: TABLE,
    options: { ...UUID, ...YES },
    examples: ['firn purge travel.flights --yes'],
    load: async () => (await import('./commands/purge.ts')).purge,
  },
  'namespace create': {
    summary: 'make a namespace',
    usage: 'namespace create NAMESPACE',
    args: NAMESPACE,
    options: {
      property: { type: 'string', multiple: true, value: 'KEY=VALUE', help: 'a property; may be given again' },
    },
    examples: ['firn namespace create travel', 'firn namespace create travel.europe --property owner=ops'],
    load: async () => (await import('./commands/namespace.ts')).createNamespace,
  },
  'namespace ls': {
    summary: 'list namespaces, all or those directly in one',
    usage: 'namespace ls [NAMESPACE]',
    args: { least: 0, most: 1 },
    options: {},
    examples: ['firn namespace ls', 'firn namespace ls travel'],
    load: async () => (await import('./commands/namespace.ts')).listNamespaces,
  },
  'namespace properties': {
    summary: 'show the properties of a namespace, and change them',
    usage: 'namespace properties NAMESPACE',
    args: NAMESPACE,
    options: {
      set: { type: 'string', multiple: true, value: 'KEY=VALUE', help: 'set a property; may be given again' },
      remove: { type: 'string', multiple: true, value: 'KEY', help: 'take a property away; may be given again' },
    },
    examples: ['firn namespace properties travel', 'firn namespace properties travel --set owner=ops --remove team'],
    load: async () => (await import('./commands/namespace.ts')).namespaceProperties,
  },
  'namespace drop': {
    summary: 'take an empty namespace away',
    usage: 'namespace drop NAMESPACE',
    args: NAMESPACE,
    options: {},
    examples: ['firn namespace drop travel'],
    load: async () => (await import('./commands/namespace.ts')).dropNamespace,
  },
}
