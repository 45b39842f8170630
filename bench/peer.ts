/** PyIceberg as a contestant: a Python process that makes its own rows and takes its own times (peers/pyiceberg_peer.py). */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { pythonWithEngines } from '../test/support/python.ts'
import type { Place } from './contestant.ts'

/** What a reader finds in a table of events. */
export interface Totals {
  readonly rows: string
  readonly idSum: string
  /** Rows whose `flag` is set. */
  readonly flags: string
}

export class PyIceberg {
  readonly #python: ChildProcessByStdio<Writable, Readable, null>
  readonly #answers: AsyncIterator<string>

  private constructor(python: string) {
    const script = join(import.meta.dirname, 'peers/pyiceberg_peer.py')
    this.#python = spawn(python, ['-B', '-W', 'ignore', script], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = createInterface({ input: this.#python.stdout })[Symbol.asyncIterator]()
  }

  /** With an empty table. */
  static async open(place: Place): Promise<PyIceberg> {
    const peer = new PyIceberg(await pythonWithEngines())
    const settings = {
      's3.endpoint': place.endpoint,
      's3.access-key-id': place.accessKeyId,
      's3.secret-access-key': place.secretAccessKey,
      's3.region': 'us-east-1',
      'py-io-impl': 'pyiceberg.io.pyarrow.PyArrowFileIO',
    }
    await peer.#ask('open', { settings, warehouse: `s3://${place.bucket}/${place.prefix}` })
    return peer
  }

  /** Makes the rows of the next append, as objects or as one Arrow table. */
  async prepare(first: number, count: number, arrow: boolean): Promise<void> {
    await this.#ask('prepare', { first, count, arrow })
  }

  async append(): Promise<{ readonly ms: number; readonly cpuMs: number }> {
    return (await this.#ask('append', {})) as { ms: number; cpuMs: number }
  }

  async location(): Promise<string> {
    return (await this.#ask('location', {})) as string
  }

  /** What it finds in a table that another engine wrote. */
  async totals(location: string): Promise<Totals> {
    return (await this.#ask('totals', { location })) as Totals
  }

  /** Reads a table that another engine wrote into one Arrow table. */
  async read(
    location: string,
    { select, where }: { readonly select?: readonly string[] | undefined; readonly where?: string | undefined },
  ): Promise<{ readonly ms: number; readonly cpuMs: number; readonly rows: number }> {
    return (await this.#ask('read', { location, columns: select ?? ['*'], where: where ?? '' })) as {
      ms: number
      cpuMs: number
      rows: number
    }
  }

  close(): void {
    this.#python.stdin.end()
  }

  async #ask(what: string, input: object): Promise<unknown> {
    this.#python.stdin.write(`${JSON.stringify({ do: what, ...input })}\n`)
    const answer = await this.#answers.next()
    if (answer.done === true) throw new Error(`PyIceberg ended while it was asked to ${what}: its error is above`)
    return JSON.parse(answer.value)
  }
}
