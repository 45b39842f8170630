/** What every catalog offers: the object catalog of this folder now, REST later. One contract suite runs over all. */
import type { PartitionSpec } from '../spec/partition-spec.ts'
import type { SchemaInput } from '../spec/define-schema.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { Table } from '../table/table.ts'

/** `'travel.flights'` or its parsed form. */
export type TableName = string | TableIdentifier
export type NamespaceName = string | readonly string[]
export type NamespaceProperties = Readonly<Record<string, string>>

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

/** Of calls that change something. */
export interface MutationOptions extends CallOptions {
  /**
   * A UUID. A call repeated with the key of one that succeeded changes nothing and gives its result; with other arguments it
   * is a ValidationError.
   */
  readonly idempotencyKey?: string | undefined
}

export interface CreateTableOptions extends MutationOptions {
  /** `{ id: 'long not null', tags: 'list<string>' }`, an Iceberg JSON schema, or a Schema. */
  readonly schema: SchemaInput
  /** Terms such as `month(date)`, `bucket(16, id)`, `origin`; or a spec with the schema's field ids. */
  readonly partitionBy?: readonly string[] | PartitionSpec | undefined
  /** Terms such as `origin`, `delay desc nulls last`. */
  readonly sortBy?: readonly string[] | SortOrder | undefined
  readonly properties?: Readonly<Record<string, string>> | undefined
  /** 2 by default. */
  readonly formatVersion?: 2 | 3 | undefined
}

export interface ListNamespacesOptions extends CallOptions {
  /** Only those directly below it; `[]` stands for the top level. All levels by default. */
  readonly parent?: NamespaceName | undefined
}

export interface NamespaceChanges {
  readonly set?: NamespaceProperties | undefined
  readonly remove?: readonly string[] | undefined
}

/** Keys by what became of them; `missing` were to be removed and were not there. */
export interface NamespaceChangeResult {
  readonly updated: readonly string[]
  readonly removed: readonly string[]
  readonly missing: readonly string[]
}

export interface PageOptions extends CallOptions {
  /** 1,000 by default. */
  readonly pageSize?: number | undefined
  /** Of the page before; without one (or with `''`) the first page. */
  readonly pageToken?: string | undefined
}

export interface Page<T> {
  readonly items: readonly T[]
  /** Undefined on the last page. */
  readonly nextPageToken: string | undefined
}

export interface DropTableOptions extends MutationOptions {
  /** Deletes the files too, for good. */
  readonly purge?: boolean | undefined
}

export interface PurgeTableOptions extends MutationOptions {
  /** Which of several tables dropped under the name; the newest by default. */
  readonly uuid?: string | undefined
}

export interface UndropTableOptions extends PurgeTableOptions {
  /** Another name for it, where its own was taken again. */
  readonly to?: TableName | undefined
}

export interface DeregisterTableOptions extends CallOptions {
  /** One that was dropped under the name, the newest or the one of `uuid`, in place of the live one. */
  readonly dropped?: boolean | undefined
  /** Of no other table than this. */
  readonly uuid?: string | undefined
}

export interface DroppedTable {
  readonly identifier: TableIdentifier
  readonly uuid: string
  readonly droppedAtMs: number | undefined
}

/** What became of one of the promises that a store must keep. */
export interface StoreCheck {
  readonly promise: string
  /** How it is broken; undefined where it is kept. */
  readonly problem: string | undefined
}

export interface WarehouseCheck {
  readonly warehouse: string
  /** The endpoint that was asked. */
  readonly storeId: string
  readonly checks: readonly StoreCheck[]
}

export interface TransactionOptions extends CallOptions {}

/** The tables as one multi-table transaction sees and changes them. */
export interface CatalogTransaction {
  /**
   * A handle whose appends become visible with the transaction, and whose scans see them before. The same one for a name.
   * Errors: NoSuchTableError, NoSuchNamespaceError.
   */
  table(name: TableName): Promise<Table>
}

/**
 * All mutations may throw CommitStateUnknownError (the store did not say whether it happened) and, where other writers keep
 * coming first, CommitFailedError (nothing happened).
 */
export interface Catalog {
  /**
   * Asks the store whether it keeps its promises, and sets the warehouse up where it is none yet; the first write does the
   * same unasked. Errors: UnsupportedError naming what the store does wrong.
   */
  init(): Promise<WarehouseCheck>
  /** Parents need not exist. Errors: AlreadyExistsError, ValidationError. */
  createNamespace(namespace: NamespaceName, properties?: NamespaceProperties, options?: MutationOptions): Promise<void>
  namespaceExists(namespace: NamespaceName, options?: CallOptions): Promise<boolean>
  /** Errors: NoSuchNamespaceError. */
  namespaceProperties(namespace: NamespaceName, options?: CallOptions): Promise<NamespaceProperties>
  /** All changes or none. Errors: NoSuchNamespaceError; ValidationError for a key both set and removed. */
  updateNamespaceProperties(
    namespace: NamespaceName,
    changes: NamespaceChanges,
    options?: MutationOptions,
  ): Promise<NamespaceChangeResult>
  /** What was dropped in it stays for undrop. Errors: NoSuchNamespaceError, NamespaceNotEmptyError. */
  dropNamespace(namespace: NamespaceName, options?: MutationOptions): Promise<void>
  /** Errors: NoSuchNamespaceError for a parent that is not there. */
  listNamespaces(options?: ListNamespacesOptions): Promise<readonly (readonly string[])[]>

  /** Makes the namespace too where it is missing. Errors: AlreadyExistsError, ValidationError. */
  createTable(name: TableName, options: CreateTableOptions): Promise<Table>
  /**
   * A handle on a table that is not there yet: its first commit makes it, and its namespace where that is missing, so no
   * empty table is ever seen. That commit must come within 36 hours. Errors there: AlreadyExistsError where the name was
   * taken meanwhile.
   */
  stageTable(name: TableName, options: Omit<CreateTableOptions, 'idempotencyKey'>): Promise<Table>
  /**
   * Gives a table that another catalog, or none, made a name here, by its newest metadata file; makes the namespace too
   * where it is missing. From then on only this catalog may commit to it. Errors: AlreadyExistsError where the name, the
   * table's uuid or its location is taken, or lies in or around another's; ValidationError for a copied table;
   * UnsupportedError; NotFoundError.
   */
  registerTable(name: TableName, metadataLocation: string, options?: MutationOptions): Promise<Table>
  /**
   * Takes a table out of the catalog and leaves all its files. Its uuid and location are free to be registered again, here
   * or elsewhere, by the metadata file whose location is returned. Errors: NoSuchTableError, NoSuchNamespaceError.
   */
  deregisterTable(name: TableName, options?: DeregisterTableOptions): Promise<string>
  /**
   * A location in the warehouse for a copy of a table, which keeps its uuid: registerTable takes the copy from there, once
   * its files are written. The same for the same uuid. Errors: AlreadyExistsError where the uuid is that of a table here.
   */
  reserveTable(name: TableName, uuid: string): Promise<string>
  /** Errors: NoSuchTableError, NoSuchNamespaceError. */
  loadTable(name: TableName, options?: CallOptions): Promise<Table>
  /** The tables as they were together at one moment: a multi-table transaction shows in all of them or in none. */
  loadTables(names: readonly TableName[], options?: CallOptions): Promise<readonly Table[]>
  tableExists(name: TableName, options?: CallOptions): Promise<boolean>
  /** In the order of their keys. Errors: NoSuchNamespaceError. */
  listTables(namespace: NamespaceName, options?: CallOptions): Promise<readonly TableIdentifier[]>
  /**
   * One page of the same list. Its token names where the page ended, so it needs no state in the catalog and any process
   * can go on from it: REST's page tokens map to it one to one.
   */
  listTablesPage(namespace: NamespaceName, options?: PageOptions): Promise<Page<TableIdentifier>>
  listViews(namespace: NamespaceName, options?: CallOptions): Promise<readonly TableIdentifier[]>

  /** Takes the name away; the files stay, so that undropTable brings it back. Errors: NoSuchTableError. */
  dropTable(name: TableName, options?: DropTableOptions): Promise<void>
  /** What undropTable can bring back: of all namespaces, or of one, dropped ones too. Reads every pointer. */
  listDropped(namespace?: NamespaceName, options?: CallOptions): Promise<readonly DroppedTable[]>
  /** Errors: NoSuchTableError, NoSuchNamespaceError, AlreadyExistsError (pass `to`). */
  undropTable(name: TableName, options?: UndropTableOptions): Promise<Table>
  /** Deletes the files of a dropped table. Errors: NoSuchTableError; UnsupportedError where they may be others' too. */
  purgeTable(name: TableName, options?: PurgeTableOptions): Promise<void>
  /** No data moves. Errors: NoSuchTableError, NoSuchNamespaceError (of the new name), AlreadyExistsError. */
  renameTable(from: TableName, to: TableName, options?: MutationOptions): Promise<void>

  /**
   * Runs `work`, then commits all that it did to its tables at once, or nothing. On a conflict what it did is staged again on
   * the new state, with the data files already written, as a single commit is; `work` itself runs once. Tables that were only
   * read are not checked. Readers of single tables see each change by itself; loadTables sees all or none.
   * Errors: CommitFailedError, CommitStateUnknownError, and whatever `work` throws: then nothing is changed.
   */
  transaction<T>(work: (tx: CatalogTransaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** Deletes the records of transactions and idempotency keys that are a day old and done with; returns how many. */
  sweepRecords(options?: CallOptions): Promise<number>

  /**
   * Frees connections. Writers elsewhere that wait for one of this catalog's tables are let come first, which takes a
   * request, and a second at most.
   */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
