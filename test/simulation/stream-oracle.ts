/** What holds of streams in every state of a table: exactly the rows up to the token are there, each once. */
import { decodeTableMetadata } from '../../src/manifest/metadata-file.ts'
import type { ObjectStore } from './object-store.ts'

/** Rows of streams have ids beyond those of other appends. */
const FIRST = 1_000_000

/** Row `n` of a stream, from 1 up. */
export function streamRow(stream: number, n: number): { readonly id: string; readonly day: string } {
  return { id: idOf(stream, n), day: '2026-01-01' }
}

function idOf(stream: number, n: number): string {
  return `<row-${FIRST * (stream + 1) + n}a>`
}

export class StreamOracle {
  readonly #store: ObjectStore
  readonly #streams: readonly number[]
  readonly #acknowledged = new Map<number, number>()

  constructor(store: ObjectStore, streams: readonly number[]) {
    this.#store = store
    this.#streams = streams
  }

  acknowledge(stream: number, position: number): void {
    this.#acknowledged.set(stream, Math.max(position, this.#acknowledged.get(stream) ?? 0))
  }

  /** What is wrong with the streams of a state, `rows` being all of its rows. */
  violationAt(metadataLocation: string, rows: readonly string[]): string | undefined {
    for (const stream of this.#streams) {
      const token = this.#token(metadataLocation, stream)
      const found = rows.filter((id) => Math.floor(numberOf(id) / FIRST) === stream + 1).toSorted()
      const want = Array.from({ length: token }, (_, i) => idOf(stream, i + 1)).toSorted()
      if (found.join() === want.join()) continue
      return `stream ${stream} stands at ${token} with ${found.length} rows, ${new Set(found).size} of them different`
    }
    return undefined
  }

  /** A stream that lost what its writer was told is committed. */
  behind(metadataLocation: string): string | undefined {
    for (const [stream, position] of this.#acknowledged) {
      const token = this.#token(metadataLocation, stream)
      if (token < position) return `stream ${stream} was acknowledged up to ${position} and stands at ${token}`
    }
    return undefined
  }

  #token(metadataLocation: string, stream: number): number {
    const bytes = this.#store.objects.get(metadataLocation)?.bytes ?? new Uint8Array()
    const { properties } = decodeTableMetadata(bytes, metadataLocation)
    return Number(properties[`firn.stream.${stream}`] ?? 0)
  }
}

function numberOf(id: string): number {
  return Number(/\d+/.exec(id)?.[0] ?? 0)
}
