/**
 * A multi-table transaction as its caller's function sees it: tables are opened, changes staged on them, and all of them
 * committed at the end, or none.
 */
import { CommitStateUnknownError } from '../base/errors.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { commitTables } from './commit-tables.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { loadBase } from './object-base.ts'
import { StagedTable } from './staged-table.ts'

export class TableTransaction {
  readonly #env: CatalogEnvironment
  readonly #namespaces: NamespaceStore
  readonly #signal: AbortSignal | undefined
  readonly #tables = new Map<string, Promise<StagedTable>>()

  constructor(env: CatalogEnvironment, namespaces: NamespaceStore, signal: AbortSignal | undefined) {
    this.#env = env
    this.#namespaces = namespaces
    this.#signal = signal
  }

  /** The same for the same name. */
  table(identifier: TableIdentifier): Promise<StagedTable> {
    const key = JSON.stringify([identifier.namespace, identifier.name])
    const known = this.#tables.get(key) ?? this.#open(identifier)
    this.#tables.set(key, known)
    // A name that could not be opened may be asked for again.
    known.catch(() => this.#tables.delete(key))
    return known
  }

  async run<T>(work: () => Promise<T>, ensureWritable: () => Promise<void>): Promise<T> {
    try {
      const result = await work()
      const tables = await this.#close()
      if (tables.length > 0) {
        await ensureWritable()
        await commitTables(this.#env, this.#namespaces, { tables, signal: this.#signal })
      }
      await this.#end('committed')
      return result
    } catch (error) {
      if (!(error instanceof CommitStateUnknownError)) await this.#end('failed')
      throw error
    }
  }

  async #open(identifier: TableIdentifier): Promise<StagedTable> {
    const base = await loadBase(this.#env, this.#namespaces, { identifier, signal: this.#signal })
    return new StagedTable(this.#env, identifier, base)
  }

  /** The tables that were changed. */
  async #close(): Promise<StagedTable[]> {
    const tables = await this.#opened()
    for (const table of tables) await table.close()
    return tables.filter((table) => table.isChanged)
  }

  async #end(outcome: 'committed' | 'failed'): Promise<void> {
    for (const table of await this.#opened()) await table.end(outcome)
  }

  async #opened(): Promise<StagedTable[]> {
    const settled = await Promise.allSettled(this.#tables.values())
    return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  }
}
