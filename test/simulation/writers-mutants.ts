/** Rules of group commit, merging and streams, each left out: what simulate-writers.ts must notice. */
import type { Mutant } from './mutants.ts'

const APPENDER = 'table/buffered-appender.ts'
const QUEUE = 'transaction/append-queue.ts'
const COMMIT = 'await appendRows(this.#target, { ...rows, properties: stream.properties(token), check })'

export const WRITERS_MUTANTS: readonly Mutant[] = [
  {
    name: 'token after the rows: set in a commit of its own',
    edits: [
      {
        file: APPENDER,
        find: COMMIT,
        replace: `await appendRows(this.#target, { ...rows, check })
        await appendRows(this.#target, { ...rows, batches: [], properties: stream.properties(token), check })`,
      },
    ],
  },
  {
    name: 'token before the rows: set in a commit of its own',
    edits: [
      {
        file: APPENDER,
        find: COMMIT,
        replace: `await appendRows(this.#target, { ...rows, batches: [], properties: stream.properties(token), check })
        await appendRows(this.#target, rows)`,
      },
    ],
  },
  {
    name: 'token not checked',
    edits: [
      {
        file: 'table/stream-position.ts',
        find: 'if (found === this.#token) return',
        replace: "if (found !== '') return",
      },
    ],
  },
  {
    name: 'token checked once, not on the base of each attempt',
    edits: [
      {
        file: APPENDER,
        find: 'const check = (base: TableMetadata): void => stream.check(base)',
        replace: `let checked = false
    const check = (base: TableMetadata): void => {
      if (!checked) stream.check(base)
      checked = true
    }`,
      },
    ],
  },
  {
    name: 'stale token: a restarted pipeline goes on from what its handle last saw, one token back',
    edits: [
      {
        file: APPENDER,
        find: 'return this.#stream?.token',
        replace:
          'return this.#stream?.token === undefined ? undefined : String(Math.max(0, Number(this.#stream.token) - 1))',
      },
    ],
  },
  {
    name: 'unknown is success: a flush that may not have landed moves the stream on',
    firstSeed: 33,
    edits: [
      {
        file: APPENDER,
        find: 'if (tries === TRIES || !(error instanceof CommitStateUnknownError)) throw error',
        replace: 'if (!(error instanceof CommitStateUnknownError)) throw error\n        break',
      },
    ],
  },
  {
    name: 'goes on after a failed flush',
    edits: [{ file: APPENDER, find: '      this.#fail(error)\n      throw error', replace: '      throw error' }],
  },
  {
    name: 'failed by one: all of a group hear that one of them was aborted',
    edits: [
      {
        file: 'transaction/append.ts',
        find: 'if (this.#evict === undefined || this.#members.length === 1) throw reason',
        replace: 'if (reason !== undefined) throw reason',
      },
      {
        file: QUEUE,
        find: 'if (guilty.length > 0) this.#waiting.unshift(...others)',
        replace: 'if (guilty.length > 0) await Promise.all(others.map((member) => this.#fail(member, error)))',
      },
    ],
  },
  {
    name: 'unknown to one: the others of the group are told that it is done',
    firstSeed: 20,
    edits: [
      {
        file: QUEUE,
        find: 'for (const member of left) member.fail(error)',
        replace: '[...left].forEach((member, i) => (i === 0 ? member.fail(error) : member.succeed(action.snapshotId)))',
      },
    ],
  },
  {
    name: 'clean-up on unknown, of a group',
    edits: [
      { file: QUEUE, find: 'if (error instanceof CommitStateUnknownError)', replace: 'if (error === undefined)' },
    ],
  },
  {
    name: 'S of the youngest: an expired member hides in its group',
    firstSeed: 140,
    edits: [{ file: 'transaction/append.ts', find: 'Math.min(a, b)', replace: 'Math.max(a, b)' }],
  },
  {
    name: 'expired files go again under their old names',
    edits: [
      {
        file: 'transaction/append-member.ts',
        find: 'const copies: DataFile[] = []',
        replace: `this.sessionStartMs = sessionStartMs
    if (runtime !== undefined) return []
    const copies: DataFile[] = []`,
      },
    ],
  },
  {
    name: 'a left member stays in the manifest of the others',
    edits: [
      {
        file: 'transaction/append.ts',
        find: '    this.#outdate()\n    this.#evict?.(member, reason)',
        replace: '    this.#evict?.(member, reason)',
      },
    ],
  },
  {
    name: 'deletes a merged manifest that a later attempt goes on with',
    edits: [
      {
        file: 'transaction/commit.ts',
        find: 'lost.filter((file) => !live.has(file))',
        replace: 'lost.slice(0, lost.length - live.size)',
      },
    ],
  },
  {
    name: 'forgets what it merged: the merged manifest is left out of the list',
    edits: [
      {
        file: 'transaction/manifest-merge.ts',
        find: 'i === 0 ? merged.manifestFile : undefined',
        replace: 'i < 0 ? merged.manifestFile : undefined',
      },
    ],
  },
  {
    name: 'lists merged manifests beside what they replace',
    edits: [
      {
        file: 'transaction/manifest-merge.ts',
        find: '(replacements.get(m) ?? []) : m',
        replace: '[replacements.get(m) ?? [], m].flat() : m',
      },
    ],
  },
]
