/**
 * Rules of the commit protocol, each left out: edits of the real source that the simulation must notice. `find` must
 * occur exactly once in its file, so a mutant that no longer applies fails its test instead of passing by accident.
 */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Directories } from './collect.ts'

export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface Mutant {
  readonly name: string
  readonly edits: readonly Edit[]
  /** A store that is broken, rather than the code. */
  readonly atomic?: boolean | undefined
  /** Of the rules of file:. */
  readonly store?: 'file' | undefined
  /** Of a collection of folders that no pointer names. */
  readonly directories?: Directories | undefined
  /** Where to begin: near a seed that showed it last, for one that is seldom shown. */
  readonly firstSeed?: number | undefined
}

const SWAP = 'catalog/compare-and-swap.ts'
/** Short enough for bursts to overrun it. */
export const SHORT_RING: Edit = {
  file: 'catalog/cas-body.ts',
  find: 'export const RING_LENGTH = 64',
  replace: 'export const RING_LENGTH = 3',
}

/** Histories last minutes. */
export const SHORT_READER_GRACE: Edit = {
  file: 'catalog/old-metadata.ts',
  find: 'export const READER_GRACE_MS = 600_000',
  replace: 'export const READER_GRACE_MS = 30_000',
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'old metadata deleted while a reader may be on its way to it',
    edits: [
      SHORT_READER_GRACE,
      {
        file: 'catalog/old-metadata.ts',
        find: 'dueMs: replacedMs + READER_GRACE_MS',
        replace: 'dueMs: replacedMs + READER_GRACE_MS / 2',
      },
    ],
  },
  {
    name: 'grace of old metadata by when the next was staged, not by when it landed',
    edits: [SHORT_READER_GRACE, { file: 'catalog/old-metadata.ts', find: 'times[i + 2]', replace: 'times[i + 1]' }],
  },
  {
    name: 'metadata deleted that the log still names',
    edits: [
      SHORT_READER_GRACE,
      {
        file: 'catalog/old-metadata.ts',
        find: '|| kept.has(location)',
        replace: '|| (kept.size > 4 && kept.has(location))',
      },
    ],
  },
  {
    name: 'old metadata deleted though the commit lost',
    edits: [
      SHORT_READER_GRACE,
      {
        file: 'catalog/object-operations.ts',
        find: '    await allSettled([\n',
        replace: '    await deleteFallen(this.#env, this.name, fallen)\n    await allSettled([\n',
      },
    ],
  },
  {
    name: 'ack-on-412',
    edits: [
      {
        file: SWAP,
        find: "if (outcome.kind === 'settled') return settle(",
        replace:
          "if (outcome.kind === 'settled') return { kind: 'committed', held: { body: next, token: '', lastModifiedMs: 0, storeTimeMs: 0 } } ?? settle(",
      },
    ],
  },
  {
    name: 'no-chain: a 412 is always a conflict',
    edits: [
      {
        file: SWAP,
        find: "if (current.ring.some((entry) => entry.id === commitId)) return 'committed'",
        replace: "if (base !== undefined) return 'conflict'",
      },
    ],
  },
  {
    name: 'pointer-only: only the newest body is asked for the commit',
    edits: [
      {
        file: SWAP,
        find: 'if (current.ring.some((entry) => entry.id === commitId))',
        replace: 'if (current.commitId === commitId)',
      },
    ],
  },
  {
    name: 'ring-only: an overrun ring means conflict',
    edits: [SHORT_RING, { file: SWAP, find: "? 'conflict' : undefined", replace: "? 'conflict' : 'conflict'" }],
  },
  {
    name: 'fail-on-unknown',
    edits: [
      {
        file: SWAP,
        find: "return { kind: 'unknown', cause }\n}\n\nexport async function readHeld",
        replace: "return { kind: 'conflict', held: undefined }\n}\n\nexport async function readHeld",
      },
    ],
  },
  {
    name: 'clean-up-on-unknown',
    edits: [
      {
        file: 'transaction/commit.ts',
        find: 'if (!(error instanceof CommitStateUnknownError)) {',
        replace: 'if (error !== undefined) {',
      },
    ],
  },
  {
    name: 'fresh-body: a re-send is a new body with a new commit id',
    edits: [
      {
        file: SWAP,
        find: 'const { location, base, next } = swap\n  const bytes = codec.encode(next)',
        replace: 'const { location, base } = swap\n  let { next } = swap\n  let bytes = codec.encode(next)',
      },
      {
        file: SWAP,
        find: 'cause = outcome.cause\n',
        replace: `cause = outcome.cause
    const id = runtime.uuid()
    next = { ...next, commitId: id, ring: next.ring.map((e) => (e.id === next.commitId ? { ...e, id } : e)) }
    bytes = codec.encode(next)
    swap = { ...swap, next }
`,
      },
    ],
  },
  {
    name: 'no-horizon: sessions are not checked against the fence',
    edits: [
      {
        file: 'catalog/commit-steps.ts',
        find: 'if (sessionStartMs === undefined ||',
        replace: 'if (sessionStartMs !== 0 ||',
      },
    ],
  },
  {
    name: 'swaps again past a fence, as if a writer had only come to wait',
    edits: [
      {
        file: 'catalog/pointer.ts',
        find: 'isPlain && isSameTable && next.gcHorizonMs === base.gcHorizonMs',
        replace: 'isPlain && isSameTable',
      },
    ],
  },
  {
    name: 'swaps again past the commit of another',
    edits: [
      {
        file: 'catalog/pointer.ts',
        find: 'next.uuid === base.uuid && next.metadataLocation === base.metadataLocation',
        replace: 'next.uuid === base.uuid',
      },
    ],
  },
  {
    name: 'local clock: when a session began is read from the machine',
    edits: [
      {
        file: 'io/retrying.ts',
        find: "clock: (location, attempt, signal) => retrier.run({ verb: 'GET', location }, attempt, signal),",
        replace: 'clock: () => Promise.resolve(retrier.wallMs()),',
      },
      {
        file: 'io/retrying.ts',
        find: 'export class Retrier {',
        replace: 'export class Retrier {\n  wallMs(): number {\n    return this.#runtime.wallMs()\n  }\n',
      },
    ],
  },
  {
    name: 'equal bodies: pointers carry no unique mark',
    edits: [
      {
        file: 'catalog/cas-body.ts',
        find: 'return { v, commitId, ring, u, prevU: base?.u }',
        replace: "return { v, commitId, ring, u: '', prevU: base?.u }",
      },
    ],
  },
  {
    name: 'trusts a body that others have already replaced',
    edits: [
      {
        file: 'catalog/object-operations.ts',
        find: 'const outrun = outcome.held.body.u !== next.u',
        replace: 'const outrun = false',
      },
    ],
  },
  {
    name: 'short tombstone: a drop forgets the ring',
    edits: [
      {
        file: 'catalog/drop-name.ts',
        find: '.swap({ location, base: held, next, writesMetadata: false })',
        replace: '.swap({ location, base: held, next: { ...next, ring: [] }, writesMetadata: false })',
      },
    ],
  },
  { name: 'non-atomic store', edits: [], atomic: false },
]

export const MUTANTS_FOLDER = '.mutants'

/** A copy of the source with the edits applied, in a folder of its group that imports of packages still resolve from. */
export async function writeMutant(project: string, group: string, { name, edits }: Mutant): Promise<string> {
  const folder = join(project, MUTANTS_FOLDER, group, name.replaceAll(/[^a-z0-9]+/gi, '-'))
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await cp(join(project, 'src'), folder, { recursive: true })
  for (const { file, find, replace } of edits) {
    const path = join(folder, file)
    const text = await readFile(path, 'utf8')
    if (text.split(find).length !== 2)
      throw new Error(`${name}: the text to change does not stand once in ${file}: ${find}`)
    await writeFile(
      path,
      text.replace(find, () => replace),
    )
  }
  return folder
}
