/**
 * Appends of any size, gathered to commits of a good one: flushed by rows, bytes or time, one flush after another, with
 * backpressure. With a stream, each commit also moves the stream's token on, so that a pipeline that is started again
 * goes on where the last commit ended: no flush is lost, none is there twice.
 */
import type { Writable } from 'node:stream'
import { onAbort } from '../base/abort.ts'
import { CommitStateUnknownError, StreamMovedError, ValidationError } from '../base/errors.ts'
import { currentSchema } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { toBatches } from '../write/append-input.ts'
import type { AppendInput } from '../write/append-input.ts'
import { appendRows } from './append-rows.ts'
import type { AppendTarget } from './append-rows.ts'
import { closeOnSignals } from './close-on-signals.ts'
import { RowBuffer } from './row-buffer.ts'
import { rowsWritable } from './rows-writable.ts'
import type { RowsWritableOptions } from './rows-writable.ts'
import { StreamPosition } from './stream-position.ts'

export interface BufferedAppenderOptions {
  /**
   * Name of the stream that the rows come from; every append then gives the token behind its rows. The last one committed
   * is kept in the table property `firn.stream.<stream>`.
   */
  readonly stream?: string | undefined
  /** Rows from which on a flush begins; 100,000. */
  readonly flushRows?: number | undefined
  /** Bytes of Arrow data from which on a flush begins; 64 MiB. Up to twice as much is held while a flush is under way. */
  readonly flushBytes?: number | undefined
  /** How long rows wait at most; 10 s, at most 36 hours. */
  readonly flushMs?: number | undefined
  /** Process signals that close the appender, and then end the process as they would have. None by default. */
  readonly closeOn?: readonly NodeJS.Signals[] | undefined
  /** Aborts as `abort()` does. */
  readonly signal?: AbortSignal | undefined
}

export interface BufferedAppendOptions {
  /** The position of the stream behind these rows: unlike the one before, and understood by nobody but its source. */
  readonly token?: string | undefined
}

/** What is not committed yet, a flush under way included. */
export interface PendingRows {
  readonly rows: number
  readonly sizeBytes: number
}

const FLUSH_ROWS = 100_000
const FLUSH_BYTES = 64 * 2 ** 20
const FLUSH_MS = 10_000
/** Half the grace that orphan removal gives to files which are not committed. */
const MAX_FLUSH_MS = 36 * 3_600_000
/** How often a flush of unknown outcome is sent again; then a restarted pipeline finds out. */
const TRIES = 3

export class BufferedAppender {
  readonly #target: AppendTarget
  readonly #stream: StreamPosition | undefined
  readonly #flushRows: number
  readonly #flushBytes: number
  readonly #flushMs: number
  readonly #aborting = new AbortController()
  readonly #release: () => void
  #buffer = new RowBuffer()
  #flushing: RowBuffer | undefined
  /** The token of the last append. */
  #lastToken: string | undefined
  /** Appends, one after another; and flushes. */
  #appends: Promise<unknown> = Promise.resolve()
  #flushes: Promise<unknown> = Promise.resolve()
  #waiting: (() => void)[] = []
  #failure: { readonly error: unknown } | undefined
  #isClosed = false

  /** Use `table.bufferedAppender()`, which reads where the stream stands. */
  constructor(target: AppendTarget, options: BufferedAppenderOptions = {}) {
    const { stream, flushRows = FLUSH_ROWS, flushBytes = FLUSH_BYTES, flushMs = FLUSH_MS, closeOn = [] } = options
    if (target.operations.defer !== undefined) {
      throw new ValidationError('rows are not buffered inside a transaction: append them there')
    }
    checkLimits({ flushRows, flushBytes, flushMs })
    const { name, current } = target.operations
    this.#target = target
    this.#stream = stream === undefined ? undefined : new StreamPosition(stream, { name, metadata: current.metadata })
    this.#lastToken = this.#stream?.token
    this.#flushRows = flushRows
    this.#flushBytes = flushBytes
    this.#flushMs = flushMs
    const { signal } = options
    signal?.throwIfAborted()
    const releases = [
      closeOnSignals(closeOn, () => this.close()),
      signal && onAbort(signal, () => this.abort(signal.reason)),
    ]
    this.#release = () => releases.forEach((release) => release?.())
  }

  /** The stream's last token that is committed: where a restarted pipeline goes on. Undefined before the first. */
  get token(): string | undefined {
    return this.#stream?.token
  }

  get pending(): PendingRows {
    const { rows = 0, sizeBytes = 0 } = this.#flushing ?? {}
    return { rows: rows + this.#buffer.rows, sizeBytes: sizeBytes + this.#buffer.sizeBytes }
  }

  /**
   * Takes rows as `table.append` does, all of them into one flush or, where one does not fit, none; resolves when they
   * are buffered, which waits until there is room. Appends are taken in the order of their calls.
   * Errors: ValidationError (the appender goes on); that of a failed flush, from then on.
   */
  append(input: AppendInput, { token }: BufferedAppendOptions = {}): Promise<void> {
    const turn = this.#appends.then(() => this.#append(input, token))
    this.#appends = turn.catch(() => {})
    return turn
  }

  /** Resolves when all that was appended before is committed. Errors: that of the flush. */
  async flush(): Promise<void> {
    await this.#appends
    await this.#flush()
  }

  /** Flushes and ends. A second call waits for the first. */
  async close(): Promise<void> {
    if (this.#isClosed) {
      await this.#flushes
      return
    }
    this.#isClosed = true
    try {
      await this.flush()
    } finally {
      this.#release()
    }
  }

  /** Ends without a flush: what is pending is dropped, unless its commit is already on its way. */
  abort(reason: unknown = new ValidationError('the appender was aborted')): void {
    this.#isClosed = true
    this.#fail(reason)
    this.#aborting.abort(reason)
    this.#release()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** A stream of Node that takes rows and closes the appender at its end; `Writable.toWeb` makes a web stream of it. */
  writable(options: RowsWritableOptions = {}): Writable {
    return rowsWritable(this, options)
  }

  async #append(input: AppendInput, token: string | undefined): Promise<void> {
    this.#checkOpen()
    this.#checkToken(token)
    await this.#room()
    const metadata = this.#buffer.metadata ?? this.#target.operations.current.metadata
    const batches = await collect(input, metadata, this.#aborting.signal)
    this.#checkFailure()
    const rows = batches.reduce((sum, batch) => sum + batch.numRows, 0)
    if (rows === 0 && token === this.#lastToken) return
    if (rows > 0 && token !== undefined && token === this.#lastToken) throw sameToken(token)
    // Meanwhile the buffer can have been flushed, but nobody else appends.
    const isFirst = this.#buffer.isEmpty
    this.#buffer.add(batches, metadata, token)
    this.#lastToken = token
    if (this.#isFull()) void this.#flush().catch(() => {})
    else if (isFirst) void this.#flushLater(this.#buffer)
  }

  #checkOpen(): void {
    this.#checkFailure()
    if (this.#isClosed) throw new ValidationError('the appender is closed: open another')
  }

  #checkFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #checkToken(token: string | undefined): void {
    if (this.#stream === undefined && token !== undefined) {
      throw new ValidationError('a token belongs to a stream: open the appender with the name of one')
    }
    if (this.#stream !== undefined && token === undefined) {
      throw new ValidationError('rows of a stream come with the token behind them: append(rows, { token })')
    }
  }

  #isFull(): boolean {
    return this.#buffer.rows >= this.#flushRows || this.#buffer.sizeBytes >= this.#flushBytes
  }

  /** A full buffer is taken as soon as the flush before it is done. */
  async #room(): Promise<void> {
    while (this.#isFull() && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#checkFailure()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  async #flushLater(buffer: RowBuffer): Promise<void> {
    try {
      await this.#target.operations.runtime.sleep(this.#flushMs, buffer.taken.signal)
      if (this.#buffer === buffer) await this.#flush()
    } catch {
      // Whoever appends, flushes or closes next is told.
    }
  }

  #flush(): Promise<void> {
    const turn = this.#flushes.then(() => this.#flushNext())
    this.#flushes = turn.catch(() => {})
    return turn
  }

  async #flushNext(): Promise<void> {
    this.#checkFailure()
    const buffer = this.#buffer
    if (buffer.isEmpty) return
    this.#buffer = new RowBuffer()
    this.#flushing = buffer
    buffer.taken.abort()
    this.#wake()
    try {
      await this.#commit(buffer)
      this.#flushing = undefined
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = { error }
    this.#buffer.taken.abort()
    this.#wake()
    const { reporter, name } = this.#target.operations
    reporter?.({ type: 'flush-failed', table: name, rows: this.pending.rows, cause: error })
  }

  /**
   * Where the store did not say what became of a commit, a stream's rows are sent again, in new files: the token says
   * whether the first were committed, however late, so at most one of the two is.
   */
  async #commit({ batches, metadata, token }: RowBuffer): Promise<void> {
    const stream = this.#stream
    if (metadata === undefined) return
    const rows = { batches, metadata, signal: this.#aborting.signal }
    if (stream === undefined || token === undefined) {
      await appendRows(this.#target, rows)
      return
    }
    const check = (base: TableMetadata): void => stream.check(base)
    for (let tries = 1; ; tries++) {
      try {
        await appendRows(this.#target, { ...rows, properties: stream.properties(token), check })
        break
      } catch (error) {
        if (tries > 1 && error instanceof StreamMovedError && error.token === token) break
        if (tries === TRIES || !(error instanceof CommitStateUnknownError)) throw error
      }
    }
    stream.moveTo(token)
  }
}

async function collect(
  input: AppendInput,
  metadata: TableMetadata,
  signal: AbortSignal,
): Promise<Parameters<RowBuffer['add']>[0]> {
  const batches = []
  for await (const batch of toBatches(input, currentSchema(metadata), { signal })) batches.push(batch)
  return batches
}

function checkLimits(limits: { flushRows: number; flushBytes: number; flushMs: number }): void {
  for (const [name, value] of Object.entries(limits)) {
    if (value > 0) continue
    throw new ValidationError(`${name} is ${value}, expected a number above 0`, { context: { [name]: value } })
  }
  if (limits.flushMs <= MAX_FLUSH_MS) return
  throw new ValidationError(`flushMs is ${limits.flushMs}: rows wait for at most ${MAX_FLUSH_MS} ms, 36 hours`, {
    context: { flushMs: limits.flushMs },
  })
}

function sameToken(token: string): ValidationError {
  return new ValidationError(
    `the rows have the token of those before them, ${JSON.stringify(token)}: give each its own`,
    {
      context: { token },
    },
  )
}
