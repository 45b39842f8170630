/** What commands print: aligned text for people, lines of JSON for scripts. Errors and progress go elsewhere. */
import { once } from 'node:events'
import { JsonText, printJson } from '../base/json.ts'
import type { JsonObject, PrintableJson, PrintableObject } from '../base/json.ts'
import { localError, systemCode } from '../io/local-errors.ts'
import { TextTable } from './text-table.ts'
import type { TextColumn } from './text-table.ts'

/** Rows of a table that are laid out together, and all that is held of a long one. */
const PAGE_ROWS = 1_000

export interface OutputOptions {
  readonly json: boolean
  /** Width of the terminal; undefined where stdout is none, and nothing is cut. */
  readonly columns?: number | undefined
  readonly signal?: AbortSignal | undefined
}

type Items<T> = Iterable<T> | AsyncIterable<T>

/** How the items of a list are shown. */
export interface ListForm<T> {
  readonly json: (item: T) => JsonObject
  readonly columns: readonly TextColumn[]
  readonly cells: (item: T) => readonly string[]
  /** In place of a table without rows. */
  readonly empty: string
}

export class Output {
  readonly json: boolean
  readonly columns: number | undefined
  readonly #stream: NodeJS.WritableStream
  readonly #signal: AbortSignal | undefined
  #failure: Error | undefined

  constructor(stream: NodeJS.WritableStream, { json, columns, signal }: OutputOptions) {
    this.#stream = stream
    this.#signal = signal
    this.json = json
    this.columns = columns
    stream.on('error', (error: Error) => (this.#failure ??= error))
  }

  /** Whether the reader has gone with what it wanted, as in `| head`. */
  get closed(): boolean {
    return systemCode(this.#failure) === 'EPIPE'
  }

  /** Writes, and waits while the reader of the pipe is behind. Errors: ServiceError. */
  async write(text: string): Promise<void> {
    this.#check()
    if (this.#stream.write(text)) return
    await once(this.#stream, 'drain', { signal: this.#signal }).catch((error: unknown) => {
      this.#check()
      throw error
    })
  }

  /** Resolves when all of it has been taken. */
  async flush(): Promise<void> {
    this.#check()
    const failure = await new Promise<Error | null | undefined>((resolve) => this.#stream.write('', resolve))
    this.#failure ??= failure ?? undefined
    this.#check()
  }

  lines(lines: readonly string[]): Promise<void> {
    return this.write(lines.map((line) => `${line}\n`).join(''))
  }

  /** One JSON line where `--json` is given, else the lines of text. */
  async result(value: PrintableObject, text: () => readonly string[]): Promise<void> {
    await this.lines(this.json ? [printJson(jsonSafe(value))] : text())
  }

  /** A JSON line an item where `--json` is given, else a table; printed as the items come. */
  async list<T>(items: Items<T>, form: ListForm<T>): Promise<void> {
    if (this.json) for await (const item of items) await this.lines([printJson(jsonSafe(form.json(item)))])
    else await this.table(items, form)
  }

  async table<T>(items: Items<T>, { columns, cells, empty }: Omit<ListForm<T>, 'json'>): Promise<void> {
    const table = new TextTable(columns, this.columns)
    let page: (readonly string[])[] = []
    let isEmpty = true
    for await (const item of items) {
      isEmpty = false
      if (page.push(cells(item)) < PAGE_ROWS) continue
      await this.lines(table.page(page))
      page = []
    }
    await this.lines(isEmpty ? [empty] : page.length > 0 ? table.page(page) : [])
  }

  #check(): void {
    if (this.#failure !== undefined) throw localError(this.#failure, 'standard output')
  }
}

/** Snapshot ids and other 64-bit integers as strings: JSON readers that parse numbers as doubles corrupt them. */
export function jsonSafe(value: PrintableJson | undefined): PrintableJson {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return (value as readonly PrintableJson[]).map(jsonSafe)
  if (typeof value !== 'object' || value === null || value instanceof JsonText) return value ?? null
  return Object.fromEntries(Object.entries(value).flatMap(([key, v]) => (v === undefined ? [] : [[key, jsonSafe(v)]])))
}

/** `13.5 MB`: decimal units, as disks and object stores are billed. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB']
  const power = bytes < 999.5 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes / 0.9995) / 3))
  return `${power === 0 ? bytes : (bytes / 1_000 ** power).toPrecision(3)} ${units[power]}`
}

/** `3,000,000`. */
export function formatCount(count: number | bigint | string): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

/** `1 file`, `12 files`. */
export function counted(count: number | bigint, noun: string): string {
  return `${formatCount(count)} ${noun}${BigInt(count) === 1n ? '' : 's'}`
}

/** `2026-01-31 12:00:00Z`. */
export function formatTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/T(.{8}).*/, ' $1Z')
}
