/**
 * W3: many writers append to one table at once: processes that compete for its pointer, and callers in one process, whose
 * appends share commits. The floor is one writer's bare requests, one commit after another.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { bareCommits } from './bare-commits.ts'
import type { Place } from './contestant.ts'
import { type ReadableTable, openCatalog } from '../src/index.ts'
import { EVENT_SCHEMA, eventRows } from './event-rows.ts'
import { FIRN_TABLE, openWarehouse } from './firn.ts'
import { percentile } from './statistics.ts'

export interface ManyWriters {
  /** Numbers of processes to try. */
  readonly writers: readonly number[]
  readonly appends: number
  readonly rows: number
  /** Callers at once in one process, and what each appends. */
  readonly callers: number
  readonly callerAppends: number
  /** Bytes of the bodies of a commit, for the floor. */
  readonly sizes: readonly number[][]
  readonly place: (name: string) => Place
}

export interface ManyWritersResult {
  readonly what: string
  readonly appends: number
  readonly perSecond: number
  /** Of the commits a second that one writer's bare requests allow. */
  readonly ofFloor: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Attempts that a commit takes. */
  readonly attempts: number
  readonly appendsPerCommit: number
}

/** What the appends of a writer took, and the attempts of all. */
interface Told {
  readonly tookMs: readonly number[]
  readonly attempts: number
}

interface Measured {
  readonly told: readonly Told[]
  readonly seconds: number
  readonly floorPerSecond: number
  readonly snapshots: number
}

const FLOOR_COMMITS = 60

export async function runManyWriters(
  input: ManyWriters,
): Promise<{ floorPerSecond: number; results: ManyWritersResult[] }> {
  const results: ManyWritersResult[] = []
  const floors = [await floor(input)]
  for (const writers of input.writers) {
    results.push(await compete(input, writers, floors.at(-1) ?? Number.NaN))
    floors.push(await floor(input))
  }
  results.push(await share(input, floors.at(-1) ?? Number.NaN))
  return { floorPerSecond: percentile(floors, 0.5), results }
}

async function floor({ place, sizes, rows }: ManyWriters): Promise<number> {
  const session = await bareCommits(sizes).open(place('bare'))
  const batch = eventRows(0, rows)
  await session.append(batch)
  const startMs = performance.now()
  for (let i = 0; i < FLOOR_COMMITS; i++) await session.append(batch)
  const perSecond = (FLOOR_COMMITS / (performance.now() - startMs)) * 1_000
  await session.close()
  return perSecond
}

async function compete(input: ManyWriters, writers: number, floorPerSecond: number): Promise<ManyWritersResult> {
  const { appends, rows, place } = input
  const at = place('writers')
  const catalog = await openWarehouse(at)
  await catalog.createTable(FIRN_TABLE, { schema: EVENT_SCHEMA })
  const children = Array.from({ length: writers }, (_, writer) =>
    fork(fileURLToPath(import.meta.url), [JSON.stringify({ at, writer, appends, rows })]),
  )
  await Promise.all(children.map(answer))
  const startMs = performance.now()
  for (const child of children) child.send('go')
  const told = await Promise.all(children.map((child) => answer(child) as Promise<Told>))
  const seconds = (performance.now() - startMs) / 1_000
  const { snapshots } = await checkRows(at, writers * appends * rows)
  await catalog.close()
  return summarize(`${writers} processes`, { told, seconds, floorPerSecond, snapshots })
}

async function share(input: ManyWriters, floorPerSecond: number): Promise<ManyWritersResult> {
  const { callers, callerAppends, rows, place } = input
  const at = place('callers')
  const catalog = await openWarehouse(at)
  const table = await catalog.createTable(FIRN_TABLE, { schema: EVENT_SCHEMA })
  const tookMs: number[] = []
  let attempts = 0
  const startMs = performance.now()
  const calling = Array.from({ length: callers }, async (_, caller) => {
    for (let i = 0; i < callerAppends; i++) {
      const beganMs = performance.now()
      const appended = await table.append(eventRows((caller * callerAppends + i) * rows, rows))
      attempts += appended.attempts
      tookMs.push(performance.now() - beganMs)
    }
  })
  await Promise.all(calling)
  const seconds = (performance.now() - startMs) / 1_000
  const { snapshots } = await checkRows(at, callers * callerAppends * rows)
  await catalog.close()
  const told = [{ tookMs, attempts }]
  return summarize(`${callers} callers in one process`, { told, seconds, floorPerSecond, snapshots })
}

export function summarize(what: string, { told, seconds, floorPerSecond, snapshots }: Measured): ManyWritersResult {
  const tookMs = told.flatMap((one) => one.tookMs)
  const perSecond = tookMs.length / seconds
  return {
    what,
    appends: tookMs.length,
    perSecond,
    ofFloor: perSecond / floorPerSecond,
    p50Ms: percentile(tookMs, 0.5),
    p99Ms: percentile(tookMs, 0.99),
    attempts: told.reduce((sum, one) => sum + one.attempts, 0) / tookMs.length,
    appendsPerCommit: tookMs.length / snapshots,
  }
}

/** All rows are there, each once, for a reader who knows nothing of the writers. */
async function checkRows(at: Place, want: number): Promise<{ snapshots: number }> {
  const reader = await openWarehouse(at)
  const found = await checkTable(await reader.loadTable(FIRN_TABLE), want)
  await reader.close()
  return found
}

export async function checkTable(table: ReadableTable, want: number): Promise<{ snapshots: number }> {
  const ids = new Set<unknown>()
  let rows = 0
  for await (const batch of table.scan({ select: ['id'] })) {
    rows += batch.numRows
    for (const id of batch.getChildAt(0) ?? []) ids.add(id)
  }
  if (rows !== want || ids.size !== want) throw new Error(`${rows} rows, ${ids.size} different: ${want} were appended`)
  return { snapshots: table.snapshots.length }
}

async function answer(child: ChildProcess): Promise<unknown> {
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`a writer ended with ${String(code)}`)
  })
  failed.catch(() => {})
  const [message] = (await Promise.race([once(child, 'message'), failed])) as unknown[]
  return message
}

/** A writer: says that it is ready, and once told to go what its appends took. */
async function write(task: string): Promise<void> {
  const { at, writer, appends, rows } = JSON.parse(task) as { at: Place; writer: number; appends: number; rows: number }
  const catalog = await openWarehouse(at)
  const table = await catalog.loadTable(FIRN_TABLE)
  await warmUp(rows)
  const tookMs: number[] = []
  let attempts = 0
  process.send?.('ready')
  await once(process, 'message')
  for (let i = 0; i < appends; i++) {
    const startMs = performance.now()
    const appended = await table.append(eventRows((writer * appends + i) * rows, rows))
    attempts += appended.attempts
    tookMs.push(performance.now() - startMs)
  }
  process.send?.({ tookMs, attempts } satisfies Told)
  await catalog.close()
  process.disconnect()
}

/** The first appends of a process mostly compile code. */
async function warmUp(rows: number): Promise<void> {
  const catalog = await openCatalog('memory://warm/up')
  const table = await catalog.createTable(FIRN_TABLE, { schema: EVENT_SCHEMA })
  for (let i = 0; i < 20; i++) await table.append(eventRows(i * rows, rows))
  await catalog.close()
}

const [, file, task] = process.argv
if (file === fileURLToPath(import.meta.url) && task !== undefined) await write(task)
