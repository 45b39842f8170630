/**
 * Moves several pointers at once: a pending record, an intent on each pointer in the order of their keys, then the record's
 * compare-and-swap to committed, which is the moment all of them change. Afterwards each is rolled forward, by whoever
 * comes first (commit-protocol, "Several tables at once").
 */
import { mapConcurrent } from '../base/concurrency.ts'
import { compareBytewise } from '../io/location.ts'
import type { Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { PointerStore } from './pointer-store.ts'
import { hollowPointer, nextPointer } from './pointer.ts'
import type { Intent, PointerBody, PointerContent } from './pointer.ts'
import { beginTransaction, endTransaction } from './transaction-record.ts'
import type { TransactionBody } from './transaction-record.ts'

const CONCURRENCY = 16

export interface Participant {
  readonly location: string
  /** The body to replace; undefined where there never was one. Without an intent. */
  readonly base: Held<PointerBody> | undefined
  readonly next: PointerContent
}

export interface Transaction {
  readonly participants: readonly Participant[]
  /** Names the change in the rings: the same over all attempts. */
  readonly commitId: string
  /** A table goes to another key: its version must grow over all keys that it ever had. */
  readonly moves: boolean
  /** Versions after it are this at least. */
  readonly leastV?: number | undefined
  /** Asked between the last intent and the commit; false or an error aborts. */
  ready(): Promise<boolean>
}

export type TransactionOutcome =
  /** The bodies left, by key; missing where another rolled forward first. */
  | { readonly kind: 'committed'; readonly held: ReadonlyMap<string, Held<PointerBody>> }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'unknown'; readonly cause: unknown }

/** Versions that the bodies after a commit of these participants get. */
export function nextVersions({
  participants,
  moves,
  leastV = 0,
}: Pick<Transaction, 'participants' | 'moves' | 'leastV'>): number[] {
  const versions = participants.map(({ base }) => base?.body.v ?? 0)
  const top = Math.max(...versions)
  return versions.map((v) => Math.max(leastV, (moves ? top : v) + 2))
}

/** Tries once. Errors: what `ready` or a definite refusal of the store throws, with nothing changed. */
export async function transact(env: CatalogEnvironment, transaction: Transaction): Promise<TransactionOutcome> {
  const versions = nextVersions(transaction)
  const planned = transaction.participants
    .map((participant, i) => ({ ...participant, v: versions[i] ?? 0 }))
    .toSorted((a, b) => compareBytewise(a.location, b.location))
  const begun = await beginTransaction(
    env,
    planned.map(({ location }) => location),
  )
  // Nothing can come of a record that no intent names.
  if (begun.kind !== 'committed' || begun.held.body.state !== 'pending') return { kind: 'conflict' }
  return new Attempt(env, transaction, begun.held).run(planned)
}

type Planned = Participant & { readonly v: number }

class Attempt {
  readonly #env: CatalogEnvironment
  readonly #pointers: PointerStore
  readonly #transaction: Transaction
  readonly #record: Held<TransactionBody>
  readonly #placed: { location: string; held: Held<PointerBody>; intent: Intent }[] = []
  /** Keys where an intent lies, or may yet come to lie. */
  readonly #touched: string[] = []

  constructor(env: CatalogEnvironment, transaction: Transaction, record: Held<TransactionBody>) {
    this.#env = env
    this.#pointers = new PointerStore(env)
    this.#transaction = transaction
    this.#record = record
  }

  async run(planned: readonly Planned[]): Promise<TransactionOutcome> {
    let ended: Awaited<ReturnType<typeof endTransaction>>
    try {
      const ready = (await this.#placeAll(planned)) && (await this.#transaction.ready())
      if (!ready) return await this.#abort()
      ended = await endTransaction(this.#env, this.#record, 'committed')
    } catch (error) {
      await this.#abort()
      throw error
    }
    if (ended.kind === 'conflict') {
      await this.#cleanUp()
      return { kind: 'conflict' }
    }
    if (ended.kind === 'unknown') return ended
    return { kind: 'committed', held: await this.#rollForward() }
  }

  async #placeAll(planned: readonly Planned[]): Promise<boolean> {
    for (const participant of planned) if (!(await this.#place(participant))) return false
    return true
  }

  async #place({ location, base, next, v }: Planned): Promise<boolean> {
    const { runtime } = this.#env
    const { id } = this.#record.body
    const intent = { id, commitId: this.#transaction.commitId, v, next }
    const commit = { commitId: `${id}/intent`, u: runtime.uuid() }
    const body =
      base === undefined
        ? { ...hollowPointer({ ...next, uuid: runtime.uuid() }, commit), txn: intent }
        : nextPointer(base.body, { txn: intent }, commit)
    this.#touched.push(location)
    const outcome = await this.#pointers.swap({ location, base, next: body, writesMetadata: false })
    // Where others went on from the intent already, the record has been aborted.
    if (outcome.kind !== 'committed' || outcome.held.body.u !== body.u) return false
    this.#placed.push({ location, held: outcome.held, intent })
    return true
  }

  /** Whatever fails here is made up for by whoever meets an intent. */
  async #abort(): Promise<TransactionOutcome> {
    await endTransaction(this.#env, this.#record, 'aborted').catch(() => {})
    await this.#cleanUp()
    return { kind: 'conflict' }
  }

  async #cleanUp(): Promise<void> {
    const settle = (location: string): Promise<unknown> => this.#pointers.settle(location).catch(() => {})
    for await (const _ of mapConcurrent(this.#touched, CONCURRENCY, settle));
  }

  async #rollForward(): Promise<ReadonlyMap<string, Held<PointerBody>>> {
    const left = new Map<string, Held<PointerBody>>()
    for await (const _ of mapConcurrent(this.#placed, CONCURRENCY, async ({ location, held, intent }) => {
      const outcome = await this.#pointers.rollForward(location, held, intent).catch(() => undefined)
      if (outcome?.kind === 'committed' && outcome.held.body.prevU === held.body.u) left.set(location, outcome.held)
    }));
    return left
  }
}
