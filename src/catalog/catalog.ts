/** What every catalog offers: the object catalog of this folder now, REST later. One contract suite runs over all. */
import type { PartitionSpec } from '../spec/partition-spec.ts'
import type { SchemaInput } from '../spec/define-schema.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { Table } from '../table/table.ts'

/** `'travel.flights'` or its parsed form. */
export type TableName = string | TableIdentifier
export type NamespaceName = string | readonly string[]

export interface CreateTableOptions {
  /** `{ id: 'long not null', tags: 'list<string>' }`, an Iceberg JSON schema, or a Schema. */
  readonly schema: SchemaInput
  /** Terms such as `month(date)`, `bucket(16, id)`, `origin`; or a spec with the schema's field ids. */
  readonly partitionBy?: readonly string[] | PartitionSpec | undefined
  /** Terms such as `origin`, `delay desc nulls last`. */
  readonly sortBy?: readonly string[] | SortOrder | undefined
  readonly properties?: Readonly<Record<string, string>> | undefined
  /** 2 by default. */
  readonly formatVersion?: 2 | 3 | undefined
  readonly signal?: AbortSignal | undefined
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

export interface Catalog {
  /** Errors: AlreadyExistsError. */
  createNamespace(namespace: NamespaceName, properties?: Readonly<Record<string, string>>): Promise<void>
  namespaceExists(namespace: NamespaceName, options?: CallOptions): Promise<boolean>
  listNamespaces(options?: CallOptions): Promise<readonly (readonly string[])[]>
  /** Makes the namespace too where it is missing. Errors: AlreadyExistsError, ValidationError. */
  createTable(name: TableName, options: CreateTableOptions): Promise<Table>
  /**
   * Gives a table that another catalog, or none, made a name here, by its newest metadata file; makes the namespace too
   * where it is missing. From then on only this catalog may commit to it. Errors: AlreadyExistsError where the name, the
   * table's uuid or its location is taken; ValidationError for a copied table; UnsupportedError; NotFoundError.
   */
  registerTable(name: TableName, metadataLocation: string, options?: CallOptions): Promise<Table>
  /** Errors: NoSuchTableError, NoSuchNamespaceError. */
  loadTable(name: TableName, options?: CallOptions): Promise<Table>
  tableExists(name: TableName, options?: CallOptions): Promise<boolean>
  /** Names in name order. Errors: NoSuchNamespaceError. */
  listTables(namespace: NamespaceName, options?: CallOptions): Promise<readonly TableIdentifier[]>
  /** Takes the name away; the files stay. Errors: NoSuchTableError. */
  dropTable(name: TableName): Promise<void>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
