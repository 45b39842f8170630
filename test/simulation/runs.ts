/**
 * What really happened to the numbered bodies of `file:`. A body takes effect when it gets the number after the current
 * one. A number that was taken and pruned may be linked to again by a writer that stalled: that body takes no effect, and
 * no reader may ever be given it. So every answer is checked to have been current at some time while it was asked for.
 */
import type { CasRecord, CasStore } from '../../src/io/file-io.ts'
import type { FolderTree } from './folder-tree.ts'

interface Marked {
  readonly u: string
}

export interface RunsHooks {
  /** A body that took effect. */
  readonly onBody: (location: string, bytes: Uint8Array) => void
  readonly fail: (violation: string) => void
}

export class Runs {
  readonly #hooks: RunsHooks
  /** Marks of the bodies that took effect, in order: number n is the nth. */
  readonly #marks = new Map<string, string[]>()

  constructor(tree: FolderTree, hooks: RunsHooks) {
    this.#hooks = hooks
    tree.onNamed = (path, bytes) => {
      const { location, n } = numbered(path)
      if (n !== undefined) this.#onNumber(location, n, bytes)
    }
    tree.onRemoved = (path) => {
      const { location, n } = numbered(path)
      if (n !== undefined && n === this.#of(location).length) hooks.fail(`${location}: current number ${n} was removed`)
    }
  }

  /** The same store, with the answers of its reads checked. */
  watch(cas: CasStore): CasStore {
    return {
      epsilonMs: cas.epsilonMs,
      put: (location, bytes, expected, options) => cas.put(location, bytes, expected, options),
      list: (prefix, options) => cas.list(prefix, options),
      read: async (location, options) => {
        const currentBefore = this.#of(location).length
        const record = await cas.read(location, options)
        this.#checkAnswer(location, record, currentBefore)
        return record
      },
    }
  }

  #onNumber(location: string, n: number, bytes: Uint8Array): void {
    const marks = this.#of(location)
    if (n > marks.length + 1) this.#hooks.fail(`${location}: number ${n} follows ${marks.length}`)
    if (n === marks.length) this.#hooks.fail(`${location}: number ${n} was taken from its owner`)
    if (n !== marks.length + 1) return
    marks.push(markOf(bytes))
    this.#hooks.onBody(location, bytes)
  }

  #checkAnswer(location: string, record: CasRecord | undefined, currentBefore: number): void {
    const n = record === undefined ? 0 : Number(record.token)
    if (n < currentBefore) this.#hooks.fail(`${location}: read number ${n} when ${currentBefore} was current`)
    if (record !== undefined && markOf(record.bytes) !== this.#of(location)[n - 1])
      this.#hooks.fail(`${location}: read a body of number ${n} that never took effect`)
  }

  #of(location: string): string[] {
    const known = this.#marks.get(location) ?? []
    this.#marks.set(location, known)
    return known
  }
}

function numbered(path: string): { readonly location: string; readonly n: number | undefined } {
  const slash = path.lastIndexOf('/')
  const name = path.slice(slash + 1)
  return { location: `file://${path.slice(0, slash)}`, n: /^\d+$/.test(name) ? Number(name) : undefined }
}

function markOf(bytes: Uint8Array): string {
  return (JSON.parse(new TextDecoder().decode(bytes)) as Marked).u
}
