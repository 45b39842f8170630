/**
 * Namespaces as compare-and-swap records. A namespace's generation is part of its pointers' keys, so that dropping and
 * making it again can never bring old tables back (commit-protocol, "Names, namespaces, dropping").
 */
import { AlreadyExistsError, CommitStateUnknownError, NoSuchNamespaceError, ServiceError } from '../base/errors.ts'
import { mapConcurrent } from '../base/concurrency.ts'
import { lastSegment } from '../io/location.ts'
import { printNamespace } from '../spec/identifier.ts'
import { encodeRecord, nextCasBody, parseCasBody, parseRecord, printCasBody } from './cas-body.ts'
import type { CasBody, Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { decodeNamespace } from './catalog-keys.ts'
import { compareAndSwap, readHeld } from './compare-and-swap.ts'
import type { CasCodec } from './compare-and-swap.ts'

type NamespaceState = 'live' | 'dropping' | 'dropped'
const STATES: readonly NamespaceState[] = ['live', 'dropping', 'dropped']
const LIST_CONCURRENCY = 16

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

export class NamespaceStore {
  readonly #env: CatalogEnvironment
  /** Generations seen: enough for readers, writers read again after the pointer. */
  readonly #generations = new Map<string, number>()

  constructor(env: CatalogEnvironment) {
    this.#env = env
  }

  /** The generation last seen, without asking the store where it was seen before. */
  async cachedGeneration(namespace: readonly string[], signal?: AbortSignal): Promise<number> {
    return this.#generations.get(printNamespace(namespace)) ?? (await this.generation(namespace, signal))
  }

  /** The generation of a live namespace, read now. Errors: NoSuchNamespaceError. */
  async generation(namespace: readonly string[], signal?: AbortSignal): Promise<number> {
    return (await this.load(namespace, signal)).generation
  }

  async load(namespace: readonly string[], signal?: AbortSignal): Promise<NamespaceBody> {
    const name = printNamespace(namespace)
    const held = await this.#read(namespace, signal)
    if (held?.body.state === 'dropping') {
      throw new ServiceError(`namespace ${name} is being dropped: try again`, {
        context: { namespace: name },
        retryable: true,
      })
    }
    if (held?.body.state !== 'live') {
      this.#generations.delete(name)
      throw new NoSuchNamespaceError(`no namespace ${name}; make it with createNamespace or \`firn create\``, {
        context: { namespace: name },
      })
    }
    this.#generations.set(name, held.body.generation)
    return held.body
  }

  async create(namespace: readonly string[], properties: Readonly<Record<string, string>>): Promise<void> {
    const { cas, runtime, keys, swapTimeoutMs } = this.#env
    const name = printNamespace(namespace)
    const location = keys.namespaceRecord(namespace)
    const base = await this.#read(namespace)
    if (base !== undefined && base.body.state !== 'dropped') throw exists(name)
    const next: NamespaceBody = {
      ...nextCasBody(base?.body, runtime.uuid(), runtime.uuid()),
      state: 'live',
      generation: (base?.body.generation ?? 0) + 1,
      properties,
    }
    const outcome = await compareAndSwap(cas, codec, runtime, { location, base, next, timeoutMs: swapTimeoutMs })
    if (outcome.kind === 'conflict') throw exists(name)
    if (outcome.kind === 'unknown') {
      throw new CommitStateUnknownError(`the store did not say whether namespace ${name} was made: list and look`, {
        context: { namespace: name },
        cause: outcome.cause,
      })
    }
    this.#generations.set(name, next.generation)
  }

  /** All live namespaces, in key order. */
  async list(signal?: AbortSignal): Promise<string[][]> {
    const { cas, keys } = this.#env
    const found: string[][] = []
    for await (const page of cas.list(keys.namespaces, { delimited: true, signal })) {
      for (const folder of page.folders) found.push(decodeNamespace(lastSegment(folder.slice(0, -1))))
    }
    const live: string[][] = []
    const states = mapConcurrent(found, LIST_CONCURRENCY, async (namespace) => ({
      namespace,
      held: await this.#read(namespace, signal),
    }))
    for await (const { namespace, held } of states) if (held?.body.state === 'live') live.push(namespace)
    return live
  }

  #read(namespace: readonly string[], signal?: AbortSignal): Promise<Held<NamespaceBody> | undefined> {
    return readHeld(this.#env.cas, codec, this.#env.keys.namespaceRecord(namespace), signal)
  }
}

function exists(name: string): AlreadyExistsError {
  return new AlreadyExistsError(`namespace ${name} exists already`, { context: { namespace: name } })
}
