/**
 * Uploads of data files: started as soon as there is something to send, awaited by the commit. A small file is one plain
 * PUT; a large one is sent while it is still being encoded. Bytes in flight are bounded, so a writer that is faster than
 * the store waits for it.
 */
import { ValidationError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { FileIO } from '../io/file-io.ts'
import { PART_SIZE_BYTES } from '../io/stream.ts'

export class UploadQueue {
  readonly #io: FileIO
  readonly #runtime: Runtime
  readonly #signal: AbortSignal | undefined
  readonly #maxBytes: number
  readonly #all: Promise<unknown>[] = []
  readonly #streams = new Set<FileUpload>()
  readonly #inFlight = new Set<Promise<unknown>>()
  #inFlightBytes = 0
  #failure: { readonly error: unknown } | undefined

  /** Whole files in flight may hold `maxBytes`; a larger one goes alone. */
  constructor(
    io: FileIO,
    {
      runtime,
      signal,
      maxBytes,
    }: { readonly runtime: Runtime; readonly signal?: AbortSignal | undefined; readonly maxBytes: number },
  ) {
    this.#io = io
    this.#runtime = runtime
    this.#signal = signal
    this.#maxBytes = maxBytes
  }

  /** All uploads so far, each already marked as handled. */
  get all(): readonly Promise<unknown>[] {
    return this.#all
  }

  /** Begins a file; nothing is sent yet. */
  open(location: string): FileUpload {
    return new FileUpload(location, this)
  }

  /** Starts the upload of a whole file once there is room for it. Rejects with the error of an earlier one that failed. */
  async send(location: string, bytes: Uint8Array): Promise<void> {
    while (this.#inFlight.size > 0 && this.#inFlightBytes + bytes.length > this.#maxBytes) {
      await Promise.race(this.#inFlight)
      if (this.#failure !== undefined) break
    }
    this.#check()
    const upload = this.#io.write(location, bytes, { signal: this.#signal })
    this.#all.push(upload)
    this.#inFlight.add(upload)
    this.#inFlightBytes += bytes.length
    void this.#watch(upload, () => {
      this.#inFlight.delete(upload)
      this.#inFlightBytes -= bytes.length
    })
    await this.#runtime.begun()
  }

  /** Starts the upload of a file whose bytes are still being made. */
  stream(file: FileUpload, chunks: AsyncIterable<Uint8Array>): Promise<unknown> {
    this.#check()
    const upload = this.#io.writeStream(file.location, chunks, { signal: this.#signal })
    this.#all.push(upload)
    this.#streams.add(file)
    void this.#watch(upload, () => this.#streams.delete(file))
    return upload
  }

  async #watch(upload: Promise<unknown>, atEnd: () => void): Promise<void> {
    try {
      await upload
    } catch (error) {
      this.#failure ??= { error }
    }
    atEnd()
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Gives up the files that are not finished, and resolves when no upload is under way, whatever became of them. */
  async abort(): Promise<void> {
    for (const file of this.#streams) file.abort()
    await Promise.allSettled(this.#all)
  }
}

/** A file that is sent as it is made. */
interface FileStream {
  readonly writer: WritableStreamDefaultWriter<Uint8Array>
  readonly upload: Promise<unknown>
}

/** A data file on its way to the store. */
export class FileUpload {
  readonly location: string
  readonly #queue: UploadQueue
  #gathered: Uint8Array[] = []
  #gatheredBytes = 0
  #stream: FileStream | undefined

  constructor(location: string, queue: UploadQueue) {
    this.location = location
    this.#queue = queue
  }

  /** Memory that is not given back before more comes: what is gathered, or the part that fills. */
  get heldBytes(): number {
    return this.#stream === undefined ? this.#gatheredBytes : PART_SIZE_BYTES
  }

  /** Takes the next bytes of the file; resolves when more may come. Rejects with what became of the upload. */
  async add(chunks: readonly Uint8Array[]): Promise<void> {
    if (this.#stream !== undefined) return await this.#pass(this.#stream, chunks)
    for (const chunk of chunks) this.#gatheredBytes += chunk.length
    this.#gathered.push(...chunks)
    if (this.#gatheredBytes <= PART_SIZE_BYTES) return
    // Nothing waits in between: a chunk is taken when the store has room for it.
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({}, ONE_AT_A_TIME, ONE_AT_A_TIME)
    this.#stream = { writer: writable.getWriter(), upload: this.#queue.stream(this, readable) }
    await this.#pass(this.#stream, this.#gathered.splice(0))
  }

  /** Takes the rest of the file, whose upload then ends by itself. */
  async finish(rest: Uint8Array): Promise<void> {
    if (this.#stream === undefined) {
      const bytes = this.#gathered.length === 0 ? rest : Buffer.concat([...this.#gathered.splice(0), rest])
      await this.#queue.send(this.location, bytes)
      return
    }
    await this.#pass(this.#stream, [rest])
    const { writer, upload } = this.#stream
    await untilTaken(writer.close(), upload)
  }

  abort(): void {
    this.#stream?.writer.abort(new ValidationError('the write was given up')).catch(() => {})
  }

  async #pass({ writer, upload }: FileStream, chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) await untilTaken(writer.write(chunk), upload)
  }
}

/** Where an upload fails, its own error is told, not that of the stream which it left. */
async function untilTaken(taken: Promise<void>, upload: Promise<unknown>): Promise<void> {
  await Promise.race([taken.catch(() => upload), upload])
}

const ONE_AT_A_TIME: QueuingStrategy<Uint8Array> = { highWaterMark: 0 }
