/**
 * Row groups encoded, windows of them decoded, and pages unfolded, in worker threads, beside the thread that packs, sends and receives.
 * The threads are few, start when first needed and hold no process open; where none can start, work goes on inline. What
 * comes of it is the same either way.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { InvalidDataError, ServiceError, messageOf } from '../base/errors.ts'
import { PageSlabs, SLAB_BYTES } from './page-slabs.ts'

const MAX_WORKERS = 8
/** Memory is taken in these steps, so that what comes back fits what is a little larger. */
const BUFFER_STEP_BYTES = 4 * 2 ** 20
/** The memory of WebAssembly never shrinks: a thread that took more than this is replaced. */
export const MAX_WASM_BYTES: number = 384 * 2 ** 20

/**
 * Runs as CommonJS, from text: so it needs no file of its own beside the sources, compiled or not. What it was sent goes
 * back with the answer, since the thread itself collects its garbage too seldom to keep buffers for long.
 */
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads')
const modules = { encode: () => require(workerData), decode: () => require(workerData), zstd: loadZstd }
let zstd
// The library itself: the package's call around it would put each page into memory of its own.
async function loadZstd({ module }) {
  if (zstd !== undefined) return zstd
  const decoder = new (await import(module)).ZSTDDecoder()
  const init = decoder._init
  decoder._init = (result) => {
    init(result)
    zstd = result.instance.exports
  }
  await decoder.init()
  return zstd
}
const largest = (sizes) => sizes.reduce((most, size) => Math.max(most, size), 1)
const work = {
  encode(wasm, bytes, { settings }) {
    let builder = new wasm.WriterPropertiesBuilder()
    for (const [name, ...values] of settings) builder = builder[name](...values)
    return [wasm.writeParquet(wasm.Table.fromIPCStream(bytes), builder.build())]
  },
  decode(wasm, bytes, { options }) {
    const table = wasm.readParquet(bytes, options)
    const batches = Array.from({ length: table.numBatches }, (_, i) => table.recordBatch(i).intoIPCStream())
    table.free()
    return batches
  },
  zstd({ memory, malloc, free, ZSTD_decompress }, bytes, { lengths, sizes, places, output }) {
    const [from, to] = [malloc(largest(lengths)), malloc(largest(sizes))]
    if (from === 0 || to === 0) throw new Error('no memory is left for a page')
    let at = 0
    const bodies = lengths.map((length, i) => {
      new Uint8Array(memory.buffer).set(bytes.subarray(at, (at += length)), from)
      const isWhole = ZSTD_decompress(to, sizes[i], from, length) === sizes[i]
      const body = new Uint8Array(output, places[i], isWhole ? sizes[i] : 0)
      body.set(new Uint8Array(memory.buffer, to, body.length))
      return body
    })
    free(from)
    free(to)
    return bodies
  },
}
const wasmBytesOf = ({ memory, wasmMemory }) => (memory ?? wasmMemory()).buffer.byteLength
const isOwned = (buffer) => buffer instanceof ArrayBuffer
parentPort.on('message', async (job) => {
  const module = await modules[job.kind](job)
  try {
    const results = work[job.kind](module, new Uint8Array(job.input, 0, job.length), job)
    const wasmBytes = wasmBytesOf(module)
    const { input } = job
    const buffers = new Set([input, ...results.map(({ buffer }) => buffer)])
    parentPort.postMessage({ results, wasmBytes, input }, [...buffers].filter(isOwned))
  } catch (error) {
    parentPort.postMessage({ failure: String(error?.message ?? error) })
  }
})`

/** Calls of parquet-wasm's builder of writer properties: a method's name and its arguments. */
export type EncoderSettings = readonly (readonly (string | number | boolean)[])[]

/**
 * In `pieces`, Arrow's stream format to encode into a Parquet file, or such a file to decode: a stream for each batch. Or
 * zstd frames of these `lengths` one behind the other, and the `sizes` that they unfold to, at these `places` of memory that
 * they share, up to its `end`; what does not gets no bytes. `module` is what does it.
 */
export type WorkerJob =
  | { readonly kind: 'encode'; readonly pieces: readonly Uint8Array[]; readonly settings: EncoderSettings }
  | {
      readonly kind: 'decode'
      readonly pieces: readonly Uint8Array[]
      readonly options: { readonly batchSize: number; readonly offset: number; readonly limit: number }
    }
  | {
      readonly kind: 'zstd'
      readonly pieces: readonly Uint8Array[]
      readonly lengths: readonly number[]
      readonly sizes: readonly number[]
      readonly places: readonly number[]
      readonly end: number
      readonly module: string
    }

interface JobOptions {
  /** Of the file, for errors. */
  readonly location: string
  /** A job that waits is given up; one that runs ends first. */
  readonly signal?: AbortSignal | undefined
}

interface Task extends JobOptions {
  readonly job: WorkerJob
  readonly resolve: (results: readonly Uint8Array[]) => void
  readonly reject: (error: unknown) => void
}

type Answer =
  | { readonly results: readonly Uint8Array[]; readonly wasmBytes: number; readonly input: ArrayBufferLike }
  | { readonly failure: string }

export class WorkerPool {
  readonly #modulePath: string
  /** Threads at most. */
  readonly size: number
  readonly #idle: Worker[] = []
  /** Those that have loaded parquet-wasm. */
  readonly #loaded = new WeakSet<Worker>()
  readonly #queue: Task[] = []
  /** Memory that came back from workers: they would leave it to a garbage collector that is slow to see it. */
  readonly #spare: ArrayBuffer[] = []
  readonly #slabs = new PageSlabs()
  #started = 0

  /** `modulePath` is where parquet-wasm lies. Throws where no thread may be started. */
  constructor(modulePath: string, size: number) {
    this.#modulePath = modulePath
    this.size = size
    this.#idle.push(this.#start())
  }

  /** The pieces must not change until then. Errors: InvalidDataError, as work inline has it; ServiceError where the thread ended. */
  run(job: WorkerJob, options: JobOptions): Promise<readonly Uint8Array[]> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...options, job, resolve, reject })
      this.#dispatch()
    })
  }

  /** Whether a job that encodes or decodes would begin at once. */
  get isReady(): boolean {
    return this.#idle.some((worker) => this.#loaded.has(worker))
  }

  /** Takes back the memory that bodies of pages came in: nobody may look at them any more. */
  takeBack({ buffer }: Uint8Array): void {
    if (buffer instanceof SharedArrayBuffer) this.#slabs.give(buffer)
  }

  #keep(input: ArrayBufferLike): void {
    if (input instanceof ArrayBuffer) this.#spare.push(input)
    else this.#slabs.give(input)
  }

  #dispatch(): void {
    for (const { signal, reject } of this.#queue) if (signal?.aborted === true) reject(signal.reason)
    const waiting = this.#queue.filter(({ signal }) => signal?.aborted !== true)
    this.#queue.splice(0, this.#queue.length, ...waiting)
    if (waiting.length === 0) return
    const worker = this.#takeIdle() ?? (this.#started < this.size ? this.#start() : undefined)
    const task = worker && this.#queue.shift()
    if (worker !== undefined && task !== undefined) this.#run(worker, task)
  }

  #takeIdle(): Worker | undefined {
    const loaded = this.#idle.findIndex((worker) => this.#loaded.has(worker))
    return loaded < 0 ? this.#idle.pop() : this.#idle.splice(loaded, 1)[0]
  }

  #start(): Worker {
    this.#started += 1
    const worker = new Worker(WORKER, { eval: true, workerData: this.#modulePath, execArgv: [] })
    worker.unref()
    return worker
  }

  /** A worker holds the process open only while somebody waits for it. One that failed is not asked again. */
  #run(worker: Worker, { job, location, resolve, reject }: Task): void {
    const { pieces, ...rest } = job
    const { input, length } = this.#joined(pieces, job.kind)
    const output = job.kind === 'zstd' ? (this.#slabFor(job.end) ?? new ArrayBuffer(job.end)) : undefined
    const onAnswer = (answer: Answer): void => {
      if ('failure' in answer) {
        const message = `${location}: Parquet data can't be processed: ${answer.failure}`
        fail(new InvalidDataError(message, { context: { location } }))
        return
      }
      end()
      if (job.kind !== 'zstd') this.#loaded.add(worker)
      this.#keep(answer.input)
      if (answer.wasmBytes > MAX_WASM_BYTES) this.#dismiss(worker)
      else this.#idle.push(worker)
      resolve(answer.results)
      this.#dispatch()
    }
    const onExit = (code: number): void => onError(`it ended with ${code}`)
    const onError = (cause: unknown): void => {
      const message = `${location}: the thread that processed it is gone: ${messageOf(cause)}. Try again, or set FIRN_WORKERS=0`
      fail(new ServiceError(message, { retryable: true, context: { location }, cause }))
    }
    const fail = (error: Error): void => {
      end()
      for (const buffer of [input, output]) if (buffer instanceof SharedArrayBuffer) this.#slabs.give(buffer)
      this.#dismiss(worker)
      reject(error)
      this.#dispatch()
    }
    // All listeners at once would take Node's own along.
    const end = (): void => {
      worker.off('message', onAnswer).off('error', onError).off('exit', onExit)
      worker.unref()
    }
    worker.on('message', onAnswer).on('error', onError).on('exit', onExit)
    worker.ref()
    worker.postMessage({ ...rest, input, length, output }, input instanceof ArrayBuffer ? [input] : [])
  }

  #slabFor(length: number): SharedArrayBuffer | undefined {
    return length <= SLAB_BYTES ? this.#slabs.take() : undefined
  }

  #joined(
    pieces: readonly Uint8Array[],
    kind: WorkerJob['kind'],
  ): { readonly input: ArrayBufferLike; readonly length: number } {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
    const input = (kind === 'zstd' ? this.#slabFor(length) : undefined) ?? this.#spareFor(length)
    const bytes = new Uint8Array(input)
    let at = 0
    for (const piece of pieces) {
      bytes.set(piece, at)
      at += piece.length
    }
    return { input, length }
  }

  #spareFor(length: number): ArrayBuffer {
    const spare = this.#spare.pop()
    if (spare !== undefined && spare.byteLength >= length) return spare
    return new ArrayBuffer(Math.ceil(length / BUFFER_STEP_BYTES) * BUFFER_STEP_BYTES)
  }

  #dismiss(worker: Worker): void {
    // What comes of a thread that is ended on purpose tells nobody anything.
    worker.on('error', () => {})
    void worker.terminate()
    this.#started -= 1
  }
}

/** How many threads there may be: FIRN_WORKERS, else one a core; none at 0. */
export function workerCount(text: string | undefined = process.env['FIRN_WORKERS']): number {
  const asked = text === undefined || text.trim() === '' ? availableParallelism() : Number(text)
  return Number.isInteger(asked) && asked >= 0 ? Math.min(asked, MAX_WORKERS) : 0
}
