/** Rules on names and transactions, each left out: see mutants.ts. */
import type { Directories } from './collect.ts'
import type { Edit, Mutant } from './mutants.ts'

const RECORD = 'catalog/transaction-record.ts'
const STORE = 'catalog/pointer-store.ts'
const REGISTER = 'catalog/register-table.ts'
const SWEEP = 'catalog/sweep-records.ts'
const ADD_FILES = 'transaction/add-files.ts'

/** So short that any later body hides one's own. */
export const SHORTEST_RING: Edit = {
  file: 'catalog/cas-body.ts',
  find: 'export const RING_LENGTH = 64',
  replace: 'export const RING_LENGTH = 1',
}

/** The record is written whatever became of it meanwhile. */
const blind = (state: string): Mutant['edits'][number] => ({
  file: RECORD,
  find: '  return swap(env, base, { ...base.body, state',
  replace: `  if (state === '${state}') {
    const next = { ...base.body, state, ...nextCasBody(base.body, runtime.uuid(), runtime.uuid()) }
    await env.io.write(env.keys.transaction(next.id), codec.encode(next))
    return { kind: 'committed', held: { ...base, body: next } }
  }
  return swap(env, base, { ...base.body, state`,
})
const ASYNC_END = {
  file: RECORD,
  find: 'export function endTransaction(',
  replace: 'export async function endTransaction(',
}

export const DIRECTORIES: Directories = { graceMs: 60_000, ignoresTrash: false }

/** So short that histories see folders collected. */
export const SHORT_DIRECTORY_GRACE: Edit = {
  file: 'catalog/create-pointer.ts',
  find: 'const DIRECTORY_GRACE_MS = 72 * 3_600_000',
  replace: `const DIRECTORY_GRACE_MS = ${DIRECTORIES.graceMs}`,
}

export const NAMES_MUTANTS: readonly Mutant[] = [
  { name: 'blind transaction commit', edits: [ASYNC_END, blind('committed')] },
  {
    name: 'short lease and a blind abort',
    edits: [
      ASYNC_END,
      blind('aborted'),
      { file: 'catalog/cas-body.ts', find: 'const LEASE_MS = 10_000', replace: 'const LEASE_MS = 200' },
    ],
  },
  {
    name: 'strip-pending: an undecided intent is stripped at once',
    edits: [
      { file: STORE, find: "else if (record?.body.state === 'pending') {", replace: 'else if (record === null) {' },
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
  {
    name: 'hollow intent body: an intent forgets the ring',
    firstSeed: 40,
    edits: [
      {
        file: 'catalog/transact.ts',
        find: ': nextPointer(base.body, { txn: intent }, commit)',
        replace: ': { ...nextPointer(base.body, { txn: intent }, commit), ring: [] }',
      },
    ],
  },
  {
    name: 'delete the tombstone of what is purged',
    edits: [
      {
        file: 'catalog/purge-name.ts',
        find: '    return\n  }\n}',
        replace: '    await env.io.delete([location])\n    return\n  }\n}',
      },
    ],
  },
  {
    name: 'no-movedTo: the chain test stops at the key',
    firstSeed: 1325,
    edits: [
      SHORTEST_RING,
      {
        file: STORE,
        find: "if (body?.metadataLocation === undefined) return 'unknown'",
        replace:
          "if (current.uuid !== next.uuid || current.movedTo !== undefined) return 'conflict'\n    if (body?.metadataLocation === undefined) return 'unknown'",
      },
    ],
  },
  {
    name: 'create without reading the namespace again',
    edits: [
      {
        file: 'catalog/create-pointer.ts',
        find: 'await confirmName(env, namespaces, { ...place, mine: next, grave: HOLLOW })',
        replace: 'void [confirmName, HOLLOW]',
      },
    ],
  },
  {
    name: 'undrop without reading the namespace again',
    firstSeed: 270,
    edits: [
      {
        file: 'catalog/undrop-name.ts',
        find: 'await confirmName(env, namespaces, { identifier, generation, location, mine, grave })',
        replace: 'void [confirmName, grave]',
      },
    ],
  },
  {
    name: 'rename without reading the namespace again',
    firstSeed: 2120,
    edits: [
      {
        file: 'catalog/move-name.ts',
        find: 'ready: async () => (await namespaces.liveGeneration(to.namespace)) === place.generation',
        replace: 'ready: () => Promise.resolve(true)',
      },
    ],
  },
  {
    name: 'drop of a namespace that does not count intents',
    firstSeed: 40,
    edits: [
      {
        file: 'catalog/drop-namespace.ts',
        find: 'const held = await pointers.settle(location)',
        replace: 'const held = await pointers.read(location)',
      },
    ],
  },
  {
    name: 'trash-not-written: the dropped table is forgotten when its name is taken',
    edits: [
      {
        file: STORE,
        find: 'if (base?.body.over !== undefined) await this.bury',
        replace: 'if (base?.body.over === null) await this.bury',
      },
    ],
  },
  {
    name: 'undrop of what is being purged',
    edits: [
      {
        file: 'catalog/dropped-names.ts',
        find: "return body.state === 'dropped' || (body.state === 'live'",
        replace: "return body.state !== 'live' || (body.state === 'live'",
      },
    ],
  },
  {
    name: 'a moved tombstone can be undropped',
    edits: [
      {
        file: 'catalog/dropped-names.ts',
        find: 'if (body.hollow || body.movedTo !== undefined) return false',
        replace: 'if (body.hollow) return false',
      },
    ],
  },
  {
    name: 'separate keys for tables and views',
    edits: [
      {
        file: 'catalog/create-pointer.ts',
        find: 'const place = await freeName(env, namespaces, { identifier, signal })',
        replace: `const shared = await freeName(env, namespaces, { identifier: request.kind === 'view' ? { ...identifier, name: 'other' } : identifier, signal })
    const location = request.kind === 'view' ? env.keys.pointer(identifier, shared.generation).replace('.json', '%2Eview.json') : shared.location
    const base = request.kind === 'view' ? await pointers.settle(location) : shared.base
    if (base?.body.state === 'live') throw tooLate(name)
    const place = { ...shared, identifier, location, base }`,
      },
    ],
  },
  {
    name: 'one name for the metadata of several attempts',
    edits: [
      {
        file: 'catalog/commit-tables.ts',
        find: '  for (let number = 0; ; number++) {',
        replace: '  const once = runtime.uuid()\n  for (let number = 0; ; number++) {',
      },
      { file: 'catalog/commit-tables.ts', find: 'const commitId = runtime.uuid()', replace: 'const commitId = once' },
    ],
  },
  {
    name: 'register without the record of the uuid and the location',
    edits: [{ file: REGISTER, find: '        ...owns.map(', replace: '        ...owns.slice(0, 0).map(' }],
  },
  {
    name: 'register without a look at tables in and around it',
    edits: [{ file: REGISTER, find: '(await isApart(env, places, keys)) &&', replace: '[isApart].length > 0 &&' }],
  },
  {
    name: 'register that looks at tables in and around it before its own intents stand',
    edits: [
      { file: REGISTER, find: '(await isApart(env, places, keys)) &&', replace: '' },
      {
        file: REGISTER,
        find: 'const owns = await freeOwns(env, keys)',
        replace: 'const owns = await freeOwns(env, keys)\n    if (!(await isApart(env, places, keys))) continue',
      },
    ],
  },
  {
    name: 'register without reading the namespace again',
    firstSeed: 25,
    edits: [
      {
        file: REGISTER,
        find: '(await namespaces.liveGeneration(identifier.namespace)) === place.generation',
        replace: 'true',
      },
    ],
  },
  {
    name: 'deregister that keeps uuid and location',
    edits: [
      {
        file: 'catalog/deregister-table.ts',
        find: ', ...(await givingUp(env, from.held.body, metadataLocation))',
        replace: ', ...(await givingUp(env, from.held.body, metadataLocation)).slice(0, 0)',
      },
    ],
  },
  {
    name: 'deregister that leaves a tombstone for undrop',
    edits: [
      {
        file: 'catalog/deregister-table.ts',
        find: "state: 'dropped', hollow: true, droppedAtMs",
        replace: "state: 'dropped', droppedAtMs",
      },
    ],
  },
  {
    name: 'no-generation: what came to stand in a dropped namespace comes back with it',
    firstSeed: 30,
    edits: [
      {
        file: 'catalog/namespace-store.ts',
        find: 'const generation = (base?.body.generation ?? 0) + 1',
        replace: 'const generation = base?.body.generation ?? 1',
      },
    ],
  },
  {
    name: 'register that does not see what is pending',
    firstSeed: 900,
    edits: [
      {
        file: 'catalog/ownership.ts',
        find: '{ content: held.body.txn.next, isPending: true }',
        replace: '{ content: held.body, isPending: false }',
      },
    ],
  },
  {
    name: 'transaction records deleted while an intent may ask for them',
    firstSeed: 150,
    edits: [
      { file: SWEEP, find: '24 * 3_600_000', replace: '0' },
      {
        file: SWEEP,
        find: 'for (const participant of record.body.participants) await pointers.settle(participant, signal)',
        replace: 'void pointers',
      },
    ],
  },
  {
    name: 'adding deletes what it was to add when it fails',
    edits: [
      {
        file: ADD_FILES,
        find: 'return [...this.#append.manifestPaths, ...this.#append.outdatedPaths]',
        replace: 'return this.#append.files',
      },
    ],
  },
  {
    name: 'adding copies what it was to add when the fence has passed it',
    edits: [
      {
        file: ADD_FILES,
        find: '  async stage(base: TableBase, context: StageContext)',
        replace: `  renew(...expired: Parameters<AppendAction['renew']>) {
    return this.#append.renew(...expired)
  }

  async stage(base: TableBase, context: StageContext)`,
      },
    ],
  },
  {
    name: 'added files count as uploaded now',
    firstSeed: 80,
    edits: [
      {
        file: 'table/add-files.ts',
        find: 'sessionStartMs: sessionStart(found, metadata),',
        replace: 'sessionStartMs: await io.storeTimeMs(),',
      },
    ],
  },
  {
    name: 'added files in the folder of the table have no age',
    firstSeed: 80,
    edits: [{ file: 'table/add-files.ts', find: 'return own.length === 0', replace: 'return own.length >= 0' }],
  },
  {
    name: 'added files count from the age of the youngest',
    firstSeed: 1185,
    edits: [
      {
        file: 'table/add-files.ts',
        find: '(least, { lastModifiedMs }) => Math.min(least, lastModifiedMs), Infinity)',
        replace: '(most, { lastModifiedMs }) => Math.max(most, lastModifiedMs), 0)',
      },
    ],
  },
  {
    name: 'looks for added files in the table once, not on the base of each attempt',
    edits: [
      {
        file: ADD_FILES,
        find: '    await this.checkOn(base)\n    return',
        replace: '    if (context.attempt === 0) await this.checkOn(base)\n    return',
      },
    ],
  },
  {
    name: 'orphans-ignore-trash: folders are collected that only trash names',
    edits: [SHORT_DIRECTORY_GRACE],
    directories: { ...DIRECTORIES, ignoresTrash: true },
  },
  {
    name: 'trash written after the body that no longer carries the tombstone',
    firstSeed: 495,
    edits: [
      SHORT_DIRECTORY_GRACE,
      {
        file: STORE,
        find: '    if (base?.body.over !== undefined) await this.bury(base.body.over)\n    return compareAndSwap(',
        replace: '    const swapped = await compareAndSwap(',
      },
      {
        file: STORE,
        find: 'unknown()),\n    })\n  }',
        replace:
          'unknown()),\n    })\n    if (base?.body.over !== undefined) await this.bury(base.body.over)\n    return swapped\n  }',
      },
    ],
    directories: DIRECTORIES,
  },
]
