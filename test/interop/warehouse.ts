/** What the suites work with: a catalog in a bucket of its own, and a Python process with the engines (engines.py). */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { expect, inject } from 'vitest'
import type { Catalog, CreateTableOptions, ScanOptions, Table } from '../../src/index.ts'
import { TableScan, openCatalog, systemRuntime } from '../../src/index.ts'
import { openFileIO } from '../../src/io/open-file-io.ts'
import type { S3Settings } from '../../src/io/s3-settings.ts'
import { encodeTableMetadata, readTableMetadata } from '../../src/manifest/metadata-file.ts'
import type { ScanPlan } from '../../src/scan/scan-task.ts'
import { applyTableUpdates } from '../../src/spec/apply-table-updates.ts'
import type { TableUpdate } from '../../src/spec/table-update.ts'
import { createTestBucket } from '../support/s3-bucket.ts'
import { type Canonical, type Row, canonicalRows, sortedRows } from './canonical.ts'

export type EngineName = 'pyiceberg' | 'duckdb'

export interface ReadOptions {
  readonly engines?: readonly EngineName[]
  /** A metadata.json, or a table's folder; the table's current metadata.json unless given. */
  readonly location?: string
  readonly snapshotId?: string | undefined
  /** On the column `v`, whose type is of this kind. */
  readonly condition?: { readonly operator: '=' | '>=' | 'is null'; readonly kind: string; readonly value: Canonical }
}

export class Warehouse implements AsyncDisposable {
  readonly uri: string
  readonly #catalog: Catalog
  readonly #s3: S3Settings | undefined
  readonly #python: ChildProcessByStdio<Writable, Readable, null>
  readonly #answers: AsyncIterator<string>
  #second: Catalog | undefined
  #tables = 0

  private constructor(catalog: Catalog, uri: string, s3?: S3Settings) {
    this.#catalog = catalog
    this.uri = uri
    this.#s3 = s3
    const script = ['-B', join(import.meta.dirname, 'engines.py')]
    this.#python = spawn(inject('python'), script, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = createInterface({ input: this.#python.stdout })[Symbol.asyncIterator]()
    this.#python.stdin.write(`${JSON.stringify(inject('minio'))}\n`)
  }

  /** In a new bucket, unless it is to be in a folder. */
  static async open(folder?: string): Promise<Warehouse> {
    if (folder !== undefined) return new Warehouse(await openCatalog(folder), folder)
    const { settings: s3, root } = await createTestBucket()
    const uri = `${root}/ware house`
    return new Warehouse(await openCatalog(uri, { s3 }), uri, s3)
  }

  /** A new table, each item of `appends` committed on its own. */
  async write(options: CreateTableOptions, ...appends: readonly (readonly Row[])[]): Promise<Table> {
    this.#tables += 1
    const table = await this.#catalog.createTable(`interop.table${this.#tables}`, options)
    for (const rows of appends) await table.append(rows)
    return table
  }

  /** The engines find exactly these rows. Gives how many files PyIceberg planned. */
  async expectRows(table: Table, rows: readonly Row[], options: ReadOptions = {}): Promise<number | undefined> {
    const { engines = ['pyiceberg', 'duckdb'], ...read } = options
    const want = canonicalRows(table.schema.fields, rows)
    let planned: number | undefined
    for (const engine of engines) {
      const request = { location: table.metadataLocation, ...read }
      const answer = await this.ask<{ rows: readonly Canonical[]; files?: number }>(`${engine}_engine.read`, request)
      expect(sortedRows(answer.rows), `${engine} ${JSON.stringify(read)}`).toEqual(want)
      planned ??= answer.files
    }
    return planned
  }

  /** What firn finds in a table of any catalog, by its metadata.json. */
  async read(location: string, options: ScanOptions = {}): Promise<{ rows: readonly string[]; plan: ScanPlan }> {
    const io = openFileIO(location, { s3: this.#s3 })
    const metadata = await readTableMetadata(io, location)
    const scan = new TableScan({ io, metadata, name: location, runtime: systemRuntime }, options)
    const rows: Row[] = []
    for await (const row of scan.rows()) rows.push(row)
    return { rows: canonicalRows(scan.schema.fields, rows), plan: await scan.plan() }
  }

  /** The table with updates that firn has no calls for yet: a state of its own, taken over by a second catalog. */
  async evolve({ metadata, metadataLocation, location }: Table, updates: readonly TableUpdate[]): Promise<Table> {
    const evolved = applyTableUpdates(metadata, updates, {
      nowMs: metadata.lastUpdatedMs + 1,
      baseMetadataLocation: metadataLocation,
    })
    const at = `${location}/metadata/00099-evolved.metadata.json`
    await openFileIO(at, { s3: this.#s3 }).write(at, encodeTableMetadata(evolved, { gzip: false }))
    this.#second ??= await openCatalog(`${this.uri}/second`, { s3: this.#s3 })
    this.#tables += 1
    return this.#second.registerTable(`interop.table${this.#tables}`, at)
  }

  /** The metadata location of a new table by PyIceberg, partitioned alike, with the same rows. */
  copy({ metadataLocation }: Table, properties: Readonly<Record<string, string>> = {}): Promise<string> {
    return this.ask('pyiceberg_engine.copy', { warehouse: this.uri, location: metadataLocation, properties })
  }

  /** Calls a function of one of the Python modules with named arguments. */
  async ask<T>(call: string, args: object): Promise<T> {
    this.#python.stdin.write(`${JSON.stringify({ call, args })}\n`)
    const line = await this.#answers.next()
    if (line.done === true) throw new Error(`the Python process ended during ${call}`)
    const { result, error } = JSON.parse(line.value) as { readonly result: T; readonly error?: string }
    if (error !== undefined) throw new Error(`${call}: ${error}`)
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#python.once('exit', resolve))
    this.#python.stdin.end()
    await ended
    await this.#second?.close()
    await this.#catalog.close()
  }
}
