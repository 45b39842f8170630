/** Who runs in a benchmark: firn, the bare requests that nobody can beat, and other engines. */
import type { EventRow } from './event-rows.ts'

/** A store, and a place in it that nobody has used before. */
export interface Place {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly bucket: string
  /** Prefix without a slash at its end. */
  readonly prefix: string
}

export interface Contestant {
  readonly name: string
  /** An empty table, ready for appends. */
  open(place: Place): Promise<Session>
}

export interface Session {
  /** Of those whose process makes its own rows, before the time is taken. */
  prepare?(rows: readonly EventRow[]): Promise<void>
  /** One commit of these rows, durable when it resolves. */
  append(rows: readonly EventRow[]): Promise<void>
  /** CPU that the contestant's process has used so far, in milliseconds. */
  cpuMs(): number
  /** Rows of the table as a reader finds it who knows nothing of the session; undefined where there is no table. */
  countRows(): Promise<bigint | undefined>
  close(): Promise<void>
}

/** `cpuMs` of contestants that run in the driver's own process, one at a time. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
