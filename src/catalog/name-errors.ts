/** What is thrown where a name is not what a call needs: each message says what to do next. */
import { AlreadyExistsError, CommitFailedError, CommitStateUnknownError, NoSuchTableError } from '../base/errors.ts'
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import type { PointerBody, PointerKind } from './pointer.ts'

/** `done` completes "the store did not say whether …". */
export function outcomeUnknown(done: string, cause: unknown): CommitStateUnknownError {
  return new CommitStateUnknownError(`the store did not say whether ${done}: look before you try again`, { cause })
}

export function lostRace(doing: string): CommitFailedError {
  return new CommitFailedError(`other writers came first each time while ${doing}: try again`)
}

/** What stands at a name where a live table or view was asked for. */
export interface Absent {
  readonly identifier: TableIdentifier
  readonly kind: PointerKind
  readonly body: PointerBody | undefined
}

export function noSuch({ keys }: CatalogEnvironment, { identifier, kind, body }: Absent): NoSuchTableError {
  const name = printIdentifier(identifier)
  return new NoSuchTableError(explain(keys, { name, kind, body }), { context: { [kind]: name } })
}

function explain(
  keys: CatalogEnvironment['keys'],
  { name, kind, body }: { name: string; kind: PointerKind; body: PointerBody | undefined },
): string {
  if (body?.state === 'live' && body.kind !== kind) return `${name} is a ${body.kind}, not a ${kind}`
  if (body === undefined || body.hollow || body.state === 'live') {
    return `no ${kind} ${name}; \`firn ls\` lists what there is`
  }
  const moved = body.movedTo === undefined ? undefined : keys.parsePointer(body.movedTo)
  if (moved !== undefined) return `no ${kind} ${name}: it was renamed to ${printIdentifier(moved)}, use that name`
  const when = body.droppedAtMs === undefined ? '' : ` at ${new Date(body.droppedAtMs).toISOString()}`
  return body.state === 'purging'
    ? `no ${kind} ${name}: it was dropped${when} and its files are deleted; make it anew`
    : `no ${kind} ${name}: it was dropped${when}; undrop it, or make it anew`
}

export function nameTaken(identifier: TableIdentifier, { kind }: Pick<PointerBody, 'kind'>): AlreadyExistsError {
  const name = printIdentifier(identifier)
  return new AlreadyExistsError(`${kind} ${name} exists already`, { context: { [kind]: name } })
}
