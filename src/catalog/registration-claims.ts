/**
 * Claims on the uuid and the location of a table that is being registered: records of their own below `own/`, so that
 * no two names come to stand for one table (commit-protocol, "Register"). A claim names the pointer write it is for.
 * Its record stays when that landed, and whoever meets it later can tell from the pointer alone what became of it.
 */
import { createHash } from 'node:crypto'
import { AlreadyExistsError, CommitStateUnknownError } from '../base/errors.ts'
import { canonicalLocation } from '../io/location.ts'
import { parseIdentifier, printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import { encodeRecord, nextCasBody, parseCasBody, parseRecord, printCasBody } from './cas-body.ts'
import type { CasBody, Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { compareAndSwap, readHeld } from './compare-and-swap.ts'
import type { CasCodec } from './compare-and-swap.ts'
import { PointerStore } from './pointer-store.ts'
import { hollowPointer, nextPointer } from './pointer.ts'
import type { PointerBody } from './pointer.ts'

export interface Claim {
  readonly identifier: TableIdentifier
  readonly nsGeneration: number
  /** The pointer body that the registration will replace, and no other; undefined where there is none yet. */
  readonly baseU: string | undefined
  readonly uuid: string
  readonly location: string
  readonly metadataLocation: string
}

/** Free where it has no claim: records are never deleted. */
interface ClaimBody extends CasBody {
  readonly claim: Claim | undefined
}

/** A registration at work may take this long, by the store's clock, before others see to it that it ends. */
const LEASE_MS = 10_000
const WAIT_MS = 1_000

const codec: CasCodec<ClaimBody> = {
  encode({ claim, ...body }) {
    const printed = claim && { ...claim, identifier: printIdentifier(claim.identifier) }
    return encodeRecord({ claim: printed, ...printCasBody(body) })
  },
  decode(record, location) {
    const cursor = parseRecord(record, location)
    return {
      ...parseCasBody(cursor),
      claim: cursor.optional('claim', (claim) => ({
        identifier: parseIdentifier(claim.get('identifier').string()),
        nsGeneration: claim.get('nsGeneration').integer(),
        baseU: claim.optional('baseU', (u) => u.string()),
        uuid: claim.get('uuid').string(),
        location: claim.get('location').string(),
        metadataLocation: claim.get('metadataLocation').string(),
      })),
    }
  },
}

interface HeldClaim {
  readonly location: string
  readonly held: Held<ClaimBody>
}

export class RegistrationClaims {
  readonly #env: CatalogEnvironment
  readonly #pointers: PointerStore
  readonly #claims: HeldClaim[] = []

  constructor(env: CatalogEnvironment) {
    this.#env = env
    this.#pointers = new PointerStore(env)
  }

  /** Takes both, or neither. Errors: AlreadyExistsError naming who has them, CommitStateUnknownError. */
  async take(claim: Claim): Promise<void> {
    const { keys } = this.#env
    const hash = createHash('sha256').update(canonicalLocation(claim.location)).digest('hex')
    try {
      for (const location of [keys.own(claim.uuid.toLowerCase()), keys.own(hash)]) {
        this.#claims.push({ location, held: await this.#takeOne(location, claim) })
      }
    } catch (error) {
      await this.release()
      throw error
    }
  }

  /** Only where the pointer write has definitely not landed. What cannot be released is seen to be dead by the next. */
  async release(): Promise<void> {
    const { cas, runtime, swapTimeoutMs: timeoutMs } = this.#env
    for (const { location, held: base } of this.#claims.splice(0)) {
      const next = { ...nextCasBody(base.body, runtime.uuid(), runtime.uuid()), claim: undefined }
      await compareAndSwap(cas, codec, runtime, { location, base, next, timeoutMs }).catch(() => undefined)
    }
  }

  async #takeOne(location: string, claim: Claim): Promise<Held<ClaimBody>> {
    const { cas, runtime, swapTimeoutMs: timeoutMs } = this.#env
    for (;;) {
      const base = await readHeld(cas, codec, location)
      if (base?.body.claim !== undefined && !(await this.#isDead(base.body.claim, base))) continue
      const next = { ...nextCasBody(base?.body, runtime.uuid(), runtime.uuid()), claim }
      const outcome = await compareAndSwap(cas, codec, runtime, { location, base, next, timeoutMs })
      if (outcome.kind === 'unknown') throw claimUnknown(claim, outcome.cause)
      if (outcome.kind === 'committed' && outcome.held.body.u === next.u) return outcome.held
    }
  }

  /**
   * Whether a claim's pointer write can land no more, and its table is nowhere. False: look again, after a wait or after
   * the write was made impossible. AlreadyExistsError where it landed.
   */
  async #isDead(claim: Claim, record: Held<ClaimBody>): Promise<boolean> {
    const { runtime, keys } = this.#env
    const location = keys.pointer(claim.identifier, claim.nsGeneration)
    const held = await this.#pointers.read(location)
    if (held?.body.u !== claim.baseU) {
      if (await this.#isTableOf(held?.body, claim.uuid)) throw taken(claim, held?.body)
      return true
    }
    const ageMs = record.storeTimeMs - record.lastModifiedMs
    if (ageMs < LEASE_MS) await runtime.sleep(Math.min(WAIT_MS, LEASE_MS - ageMs))
    else await this.#fence(claim, { location, base: held })
    return false
  }

  /** The claim's write is conditioned on the pointer's body: any other body makes it impossible for ever. */
  async #fence(
    claim: Claim,
    { location, base }: { location: string; base: Held<PointerBody> | undefined },
  ): Promise<void> {
    const { runtime, writer } = this.#env
    const commit = { commitId: runtime.uuid(), u: runtime.uuid() }
    const { nsGeneration } = claim
    const next =
      base === undefined
        ? hollowPointer({ ...claim.identifier, kind: 'table', uuid: runtime.uuid(), nsGeneration, writer }, commit)
        : nextPointer(base.body, {}, commit)
    const outcome = await this.#pointers.swap({ location, base, next, writesMetadata: false })
    if (outcome.kind === 'unknown') throw claimUnknown(claim, outcome.cause)
  }

  /** A pointer keeps its table, live or dropped, until a later one carries it, and that until trash holds it. */
  async #isTableOf(body: PointerBody | undefined, uuid: string): Promise<boolean> {
    if (body?.uuid === uuid && !body.hollow) return true
    return body?.over?.uuid === uuid || (await this.#pointers.isInTrash(uuid))
  }
}

function taken(claim: Claim, body: PointerBody | undefined): AlreadyExistsError {
  const table = printIdentifier(claim.identifier)
  const isLive = body?.state === 'live' && body.uuid === claim.uuid
  const since =
    body?.movedTo === undefined ? ', and was dropped: its files are still its own' : ', and was renamed since'
  return new AlreadyExistsError(
    `the table ${claim.uuid} at ${claim.location} is registered already, as ${table}` + (isLive ? '' : since),
    { context: { table, uuid: claim.uuid, location: claim.location } },
  )
}

function claimUnknown(claim: Claim, cause: unknown): CommitStateUnknownError {
  const table = printIdentifier(claim.identifier)
  return new CommitStateUnknownError(`the store did not say whether ${table} may be registered: try again`, {
    context: { table },
    cause,
  })
}
