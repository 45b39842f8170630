/**
 * Bodies of a pointer that change nothing but the line of waiting writers (transaction/turn.ts): of who comes to wait, and of
 * a catalog that is closed in its turn. Those who wait would else expect a commit that does not come.
 */
import type { TableOperations } from '../transaction/operations.ts'
import { paceOf } from '../transaction/pace.ts'
import { endTurn } from '../transaction/turn.ts'
import type { Turn } from '../transaction/turn.ts'
import type { Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import type { SwapOutcome } from './compare-and-swap.ts'
import { PointerStore } from './pointer-store.ts'
import { changesLineOnly, nextPointer } from './pointer.ts'
import type { PointerBody } from './pointer.ts'

/** How long a catalog that is closed goes on for the sake of others. */
const CLOSE_MS = 1_000

/** A pointer with the body that lies there, as far as is known. */
interface Place {
  readonly location: string
  readonly held: Held<PointerBody>
}

/** The body it writes is no commit: the files that it names stay as they are, and so does what a commit must check. */
export function swapLine(
  env: CatalogEnvironment,
  { location, held }: Place,
  { turn, timeoutMs }: { readonly turn: Turn; readonly timeoutMs: number },
): Promise<SwapOutcome<PointerBody>> {
  const commit = { commitId: env.runtime.uuid(), u: env.runtime.uuid() }
  const { manifestList } = held.body
  const next = nextPointer(held.body, { turn, manifestList, writer: env.writer }, commit)
  return new PointerStore(env).swap({ location, base: held, next, writesMetadata: false, timeoutMs })
}

/** Of the handles of each catalog that others wait for: what their last commits left, by their marks in the line. */
const turnsOf = new WeakMap<CatalogEnvironment, Map<string, Place>>()

/** After a commit of a handle; `left` is the body that it wrote, while nothing has come after it. */
export function noteTurn(env: CatalogEnvironment, operations: TableOperations, left: Place | undefined): void {
  const turns = turnsOf.get(env) ?? new Map<string, Place>()
  turnsOf.set(env, turns)
  const { mark } = paceOf(operations)
  if (left !== undefined && endTurn(left.held.body.turn, mark) !== undefined) turns.set(mark, left)
  else turns.delete(mark)
}

/** Before a catalog is closed: lets come who waits for its handles, as far as that is quickly done. */
export async function endTurns(env: CatalogEnvironment): Promise<void> {
  const turns = [...(turnsOf.get(env) ?? [])]
  turnsOf.delete(env)
  if (turns.length === 0) return
  const ending = Promise.allSettled(turns.map(([mark, place]) => end(env, mark, place)))
  const timer = new AbortController()
  await Promise.race([ending, env.runtime.sleep(CLOSE_MS, timer.signal).catch(() => {})])
  timer.abort()
}

async function end(env: CatalogEnvironment, mark: string, { location, held }: Place): Promise<void> {
  const turn = endTurn(held.body.turn, mark)
  if (turn === undefined) return
  const outcome = await swapLine(env, { location, held }, { turn, timeoutMs: CLOSE_MS })
  if (outcome.kind !== 'conflict' || outcome.held === undefined) return
  if (changesLineOnly(held.body, outcome.held.body)) await end(env, mark, { location, held: outcome.held })
}
