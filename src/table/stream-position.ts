/**
 * How far a stream has been appended: a token in the table property `firn.stream.<id>`, set in the same commit as the
 * rows before it (commit-protocol, "Exactly once across restarts"). The expiry of snapshots does not erase it.
 */
import { StreamMovedError, ValidationError } from '../base/errors.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'

const PREFIX = 'firn.stream.'

export class StreamPosition {
  readonly #stream: string
  readonly #table: string
  #token: string | undefined

  constructor(stream: string, table: { readonly name: string; readonly metadata: TableMetadata }) {
    if (stream === '') throw new ValidationError('a stream needs a name that is not empty')
    this.#stream = stream
    this.#table = table.name
    this.#token = this.read(table.metadata)
  }

  /** The last token committed. */
  get token(): string | undefined {
    return this.#token
  }

  read({ properties }: TableMetadata): string | undefined {
    const key = PREFIX + this.#stream
    return Object.hasOwn(properties, key) ? properties[key] : undefined
  }

  /** What a commit sets. */
  properties(token: string): Readonly<Record<string, string>> {
    return { [PREFIX + this.#stream]: token }
  }

  /** Throws where the stream is not where this writer left it: rows committed now would be there twice, or too early. */
  check(metadata: TableMetadata): void {
    const found = this.read(metadata)
    if (found === this.#token) return
    throw new StreamMovedError(
      `another writer has moved stream "${this.#stream}" of ${this.#table} on: stop one of the two, open the appender anew and go on from its token`,
      { context: { table: this.#table, stream: this.#stream, expected: this.#token }, token: found },
    )
  }

  moveTo(token: string): void {
    this.#token = token
  }
}
