/**
 * Other engines as contestants: processes that make their own rows and take their own times (peers/). A line of JSON asks,
 * a line of JSON answers.
 */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { promisify } from 'node:util'
import { pythonWithEngines } from '../test/support/python.ts'
import type { Place } from './contestant.ts'

/** What a reader finds in a table of events. */
export interface Totals {
  readonly rows: string
  readonly idSum: string
  /** Rows whose `flag` is set. */
  readonly flags: string
}

interface PeerTook {
  readonly ms: number
  readonly cpuMs: number
}

const PEERS = join(import.meta.dirname, 'peers')

export interface PeerEngine {
  readonly name: string
  /** With an empty table in a place of its own; or of several processes that share the file of a catalog, the first alone. */
  open(place: Place, catalog?: string): Promise<Peer>
}

function inPython(name: string, script: string): PeerEngine {
  return {
    name,
    async open(place, catalog) {
      const command = [await pythonWithEngines(), '-B', '-W', 'ignore', join(PEERS, script)]
      return Peer.open(name, command, { place, catalog })
    },
  }
}

const PYICEBERG = inPython('PyIceberg', 'pyiceberg_peer.py')

/** Of tables that firn wrote. */
export const READERS: readonly PeerEngine[] = [PYICEBERG, inPython('DuckDB', 'duckdb_peer.py')]

/** All that this machine can run, PyIceberg first; what is left out is said on stderr. */
export async function peerEngines(): Promise<PeerEngine[]> {
  const binary = await icebergGoBinary()
  if (binary === undefined) return [PYICEBERG]
  return [
    PYICEBERG,
    { name: 'iceberg-go', open: (place, catalog) => Peer.open('iceberg-go', [binary], { place, catalog }) },
  ]
}

export class Peer {
  readonly name: string
  readonly #process: ChildProcessByStdio<Writable, Readable, null>
  readonly #answers: AsyncIterator<string>

  private constructor(name: string, [command = '', ...args]: readonly string[]) {
    this.name = name
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
  }

  static async open(
    name: string,
    command: readonly string[],
    { place, catalog }: { readonly place: Place; readonly catalog: string | undefined },
  ): Promise<Peer> {
    const peer = new Peer(name, command)
    const settings = {
      's3.endpoint': place.endpoint,
      's3.access-key-id': place.accessKeyId,
      's3.secret-access-key': place.secretAccessKey,
      's3.region': 'us-east-1',
      'py-io-impl': 'pyiceberg.io.pyarrow.PyArrowFileIO',
    }
    await peer.#ask('open', { settings, warehouse: `s3://${place.bucket}/${place.prefix}`, catalog })
    return peer
  }

  /** Makes the rows of the next append, as objects or as one Arrow table. */
  async prepare(first: number, count: number, arrow: boolean): Promise<void> {
    await this.#ask('prepare', { first, count, arrow })
  }

  /** Attempts count those beyond the engine's own retries. */
  async append(): Promise<PeerTook & { readonly attempts: number }> {
    return (await this.#ask('append', {})) as PeerTook & { attempts: number }
  }

  async location(): Promise<string> {
    return (await this.#ask('location', {})) as string
  }

  /** What it finds in a table that another engine wrote; PyIceberg only. */
  async totals(location: string): Promise<Totals> {
    return (await this.#ask('totals', { location })) as Totals
  }

  /** Reads a table that another engine wrote into one Arrow table; PyIceberg and DuckDB only. */
  async read(
    location: string,
    { select, where }: { readonly select?: readonly string[] | undefined; readonly where?: string | undefined },
  ): Promise<PeerTook & { readonly rows: number }> {
    const asked = { location, columns: select ?? ['*'], where: where ?? '' }
    return (await this.#ask('read', asked)) as PeerTook & { rows: number }
  }

  /** Plans a scan of a table that another engine wrote; `rows` are its tasks. PyIceberg and iceberg-go only. */
  async plan(location: string, where: string | undefined): Promise<PeerTook & { readonly rows: number }> {
    const asked = { location, columns: ['*'], where: where ?? '' }
    return (await this.#ask('plan', asked)) as PeerTook & { rows: number }
  }

  close(): void {
    this.#process.stdin.end()
  }

  async #ask(what: string, input: object): Promise<unknown> {
    this.#process.stdin.write(`${JSON.stringify({ do: what, ...input })}\n`)
    const answer = await this.#answers.next()
    if (answer.done === true) throw new Error(`${this.name} ended while it was asked to ${what}: its error is above`)
    return JSON.parse(answer.value)
  }
}

/** Built once and kept in the user's cache; undefined where there is no Go. */
async function icebergGoBinary(): Promise<string | undefined> {
  const folder = join(PEERS, 'iceberg-go')
  const hash = createHash('sha256')
  for (const file of ['main.go', 'go.mod', 'go.sum']) hash.update(await readFile(join(folder, file)))
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'firn')
  const binary = join(cache, `iceberg-go-${hash.digest('hex').slice(0, 16)}`)
  if (existsSync(binary)) return binary
  const run = promisify(execFile)
  try {
    await run('go', ['version'])
  } catch {
    process.stderr.write('iceberg-go is left out: it needs Go as `go` on the PATH\n')
    return undefined
  }
  process.stderr.write(`building iceberg-go in ${cache}: some minutes, once\n`)
  await run('go', ['build', '-o', binary, '.'], { cwd: folder })
  return binary
}
