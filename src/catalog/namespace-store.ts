/**
 * Namespaces as compare-and-swap records. A namespace's generation is part of its pointers' keys, so that dropping and
 * making it again can never bring old tables back (commit-protocol, "Names, namespaces, dropping").
 */
import { AlreadyExistsError, NoSuchNamespaceError } from '../base/errors.ts'
import { mapConcurrent } from '../base/concurrency.ts'
import { lastSegment } from '../io/location.ts'
import { printNamespace } from '../spec/identifier.ts'
import { encodeRecord, leaseIsOver, nextCasBody, parseCasBody, parseRecord, printCasBody } from './cas-body.ts'
import type { CasBody, Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { decodeNamespace } from './catalog-keys.ts'
import { compareAndSwap, readHeld } from './compare-and-swap.ts'
import type { CasCodec, SwapOutcome } from './compare-and-swap.ts'
import { outcomeUnknown } from './name-errors.ts'

type NamespaceState = 'live' | 'dropping' | 'dropped'
const STATES: readonly NamespaceState[] = ['live', 'dropping', 'dropped']
const LIST_CONCURRENCY = 16
/** How long a writer waits at most before it looks again how a drop in its way ended. */
const DROP_POLL_MS = 1_000

export interface NamespaceBody extends CasBody {
  readonly state: NamespaceState
  readonly generation: number
  readonly properties: Readonly<Record<string, string>>
}

const codec: CasCodec<NamespaceBody> = {
  encode: ({ state, generation, properties, ...body }) =>
    encodeRecord({ state, generation, properties, ...printCasBody(body) }),
  decode(record, location) {
    const cursor = parseRecord(record, location)
    const state = STATES.find((s) => s === cursor.get('state').string())
    return {
      ...parseCasBody(cursor),
      state: state ?? cursor.get('state').fail(STATES.join(', ')),
      generation: cursor.get('generation').integer(),
      properties: cursor.get('properties').stringMap(),
    }
  },
}

type NamespaceChange = Partial<Pick<NamespaceBody, 'state' | 'generation' | 'properties'>>

export class NamespaceStore {
  readonly #env: CatalogEnvironment
  /** Generations seen: enough for readers, writers read again after the pointer. */
  readonly #generations = new Map<string, number>()

  constructor(env: CatalogEnvironment) {
    this.#env = env
  }

  /** For readers: the generation last seen, without asking the store where it was seen before. */
  async cachedGeneration(namespace: readonly string[], signal?: AbortSignal): Promise<number> {
    return this.#generations.get(printNamespace(namespace)) ?? (await this.load(namespace, signal)).generation
  }

  /** For readers: a namespace that is being dropped still has what it has. Errors: NoSuchNamespaceError. */
  async load(namespace: readonly string[], signal?: AbortSignal): Promise<NamespaceBody> {
    return this.#known(namespace, await this.#read(namespace, signal)).body
  }

  /** For writers: the generation of a live namespace, read now. Errors: NoSuchNamespaceError. */
  async liveGeneration(namespace: readonly string[], signal?: AbortSignal): Promise<number> {
    return (await this.live(namespace, signal)).body.generation
  }

  /** For writers: a live namespace; waits for a drop under way. Errors: NoSuchNamespaceError. */
  async live(namespace: readonly string[], signal?: AbortSignal): Promise<Held<NamespaceBody>> {
    return this.#known(namespace, await this.settle(namespace, signal))
  }

  /** The record, live or dropped: a drop under way is waited for, or undone when its lease is over. */
  async settle(namespace: readonly string[], signal?: AbortSignal): Promise<Held<NamespaceBody> | undefined> {
    const { runtime } = this.#env
    for (;;) {
      const held = await this.#read(namespace, signal)
      if (held?.body.state !== 'dropping') return held
      if (leaseIsOver(held)) await this.swap(namespace, held, { state: 'live' })
      else await runtime.sleep(50 + runtime.random() * DROP_POLL_MS, signal)
    }
  }

  swap(
    namespace: readonly string[],
    base: Held<NamespaceBody> | undefined,
    change: NamespaceChange,
    commitId: string = this.#env.runtime.uuid(),
  ): Promise<SwapOutcome<NamespaceBody>> {
    const { cas, runtime, keys, swapTimeoutMs } = this.#env
    const empty = { state: 'live' as const, generation: 1, properties: {} }
    const next = { ...empty, ...base?.body, ...change, ...nextCasBody(base?.body, commitId, runtime.uuid()) }
    const location = keys.namespaceRecord(namespace)
    return compareAndSwap(cas, codec, runtime, { location, base, next, timeoutMs: swapTimeoutMs })
  }

  async create(
    namespace: readonly string[],
    properties: Readonly<Record<string, string>>,
    commitId?: string,
  ): Promise<void> {
    const name = printNamespace(namespace)
    const base = await this.settle(namespace)
    if (base !== undefined && base.body.state !== 'dropped') throw exists(name)
    const generation = (base?.body.generation ?? 0) + 1
    const outcome = await this.swap(namespace, base, { state: 'live', generation, properties }, commitId)
    if (outcome.kind === 'conflict') throw exists(name)
    if (outcome.kind === 'unknown') throw outcomeUnknown(`namespace ${name} was made`, outcome.cause)
    this.#generations.set(name, generation)
  }

  /** All namespaces, or those directly below `parent`, in key order. */
  async list(parent?: readonly string[], signal?: AbortSignal): Promise<string[][]> {
    const { cas, keys } = this.#env
    const found: string[][] = []
    const prefix = parent === undefined || parent.length === 0 ? keys.namespaces : keys.childNamespaces(parent)
    for await (const page of cas.list(prefix, { delimited: true, signal })) {
      for (const folder of page.folders) found.push(decodeNamespace(lastSegment(folder.slice(0, -1))))
    }
    const wanted = found.filter((levels) => parent === undefined || levels.length === parent.length + 1)
    const live: string[][] = []
    const states = mapConcurrent(wanted, LIST_CONCURRENCY, async (namespace) => ({
      namespace,
      held: await this.#read(namespace, signal),
    }))
    for await (const { namespace, held } of states) if (isThere(held)) live.push(namespace)
    return live
  }

  #known(namespace: readonly string[], held: Held<NamespaceBody> | undefined): Held<NamespaceBody> {
    const name = printNamespace(namespace)
    if (!isThere(held)) {
      this.#generations.delete(name)
      throw new NoSuchNamespaceError(
        `no namespace ${name}; make it with \`firn namespace create\`, or createNamespace`,
        {
          context: { namespace: name },
        },
      )
    }
    this.#generations.set(name, held.body.generation)
    return held
  }

  #read(namespace: readonly string[], signal?: AbortSignal): Promise<Held<NamespaceBody> | undefined> {
    return readHeld(this.#env.cas, codec, this.#env.keys.namespaceRecord(namespace), signal)
  }
}

function isThere(held: Held<NamespaceBody> | undefined): held is Held<NamespaceBody> {
  return held !== undefined && held.body.state !== 'dropped'
}

function exists(name: string): AlreadyExistsError {
  return new AlreadyExistsError(`namespace ${name} exists already`, { context: { namespace: name } })
}
