/**
 * Zstandard frames. Node decodes them itself from 22.15 on; before, the same library does as WebAssembly, which has to
 * be loaded first. The headers of frames and blocks are walked here before either sees them: neither allocates more
 * than these allow, and what they refuse is refused alike.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { ZSTDDecoder } from 'zstddec'
import { UnsupportedError } from '../base/errors.ts'

const FRAME = 0xfd2fb528
const SKIPPABLE = 0x184d2a50
/** Most that a block unfolds to. */
const BLOCK_BYTES = 128 * 1024
/** What zstd itself allows unless told otherwise. */
const MAX_WINDOW_BYTES = 2 ** 27
/** zlib takes no less. */
const MIN_CHUNK_BYTES = 64

let decoder: ZSTDDecoder | undefined

/** To be awaited before `decompressZstd`. */
export async function loadZstd(): Promise<void> {
  if (decoder !== undefined || nativeDecoder() !== undefined) return
  const loading = new ZSTDDecoder()
  await loading.init()
  decoder = loading
}

function nativeDecoder(): typeof zlib.inflateRawSync | undefined {
  const library: object = zlib
  if (!('zstdDecompressSync' in library) || typeof library.zstdDecompressSync !== 'function') return undefined
  return library.zstdDecompressSync as typeof zlib.inflateRawSync
}

/** Where the package lies, for threads. */
export function zstdModuleUrl(): string {
  return pathToFileURL(createRequire(import.meta.url).resolve('zstddec')).href
}

/**
 * Node's own decoder in its pool of threads, for one frame that gives `sizeBytes`; undefined where it has none (before
 * 22.15).
 */
export function nativeZstdAside(): ((frame: Uint8Array, sizeBytes: number) => Promise<Uint8Array>) | undefined {
  const library: object = zlib
  if (!('zstdDecompress' in library) || typeof library.zstdDecompress !== 'function') return undefined
  const decompress = promisify(library.zstdDecompress as AsyncDecoder)
  return (frame, sizeBytes) => decompress(frame, { chunkSize: roomFor(sizeBytes), maxOutputLength: sizeBytes })
}

type AsyncDecoder = (
  bytes: Uint8Array,
  options: zlib.ZlibOptions,
  done: (error: Error | null, content: Uint8Array) => void,
) => void

/** Room for all and one more: Node asks again where an output is full. */
function roomFor(sizeBytes: number): number {
  return Math.max(sizeBytes + 1, MIN_CHUNK_BYTES)
}

/** Whether the bytes are one frame that may well give `sizeBytes`, and nothing else. */
export function isZstdFrame(bytes: Uint8Array, sizeBytes: number): boolean {
  try {
    const frame = readFrame(bytes)
    return (
      frame.bytes.length === bytes.length && sizeBytes <= frame.bound && sizeBytes === (frame.contentSize ?? sizeBytes)
    )
  } catch {
    return false
  }
}

/** Throws RangeError (or zlib's errors) where the bytes are not whole frames, or give more than `maxBytes`. */
export function decompressZstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const contents: Uint8Array[] = []
  let left = maxBytes
  for (const frame of splitFrames(bytes)) {
    // One by one: Node stops after the first, and skippable ones count.
    const content = decompressFrame(frame, left)
    left -= content.length
    contents.push(content)
  }
  const [only] = contents
  return only !== undefined && contents.length === 1 ? only : new Uint8Array(Buffer.concat(contents))
}

function decompressFrame({ bytes, contentSize, bound }: Frame, maxBytes: number): Uint8Array {
  if ((contentSize ?? 0) > maxBytes) throw new RangeError(`it unfolds to ${contentSize} bytes, more than ${maxBytes}`)
  if (bound === 0) return new Uint8Array(0)
  const outputBytes = Math.min(contentSize ?? bound, maxBytes)
  const native = nativeDecoder()
  if (native !== undefined) return native(bytes, { chunkSize: roomFor(outputBytes), maxOutputLength: outputBytes })
  if (decoder === undefined) throw new UnsupportedError('the zstd decoder is not loaded yet')
  // The package takes 0 for a size that it should find out, and gives nothing where the library gives an error.
  const content = decoder.decode(bytes, Math.max(outputBytes, 1))
  if (content.length === 0) throw new RangeError(`it is damaged or unfolds to more than ${outputBytes} bytes`)
  return content
}

interface Frame {
  readonly bytes: Uint8Array
  /** Where the header tells it. */
  readonly contentSize: number | undefined
  /** The most that its blocks can unfold to. */
  readonly bound: number
}

/** Walks all frames, past skippable ones. Reads past the end throw RangeError, which the view does by itself. */
function splitFrames(bytes: Uint8Array): Frame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const frames: Frame[] = []
  let at = 0
  do {
    const magic = view.getUint32(at, true)
    if ((magic & ~0xf) >>> 0 === SKIPPABLE) at += 8 + view.getUint32(at + 4, true)
    else if (magic === FRAME) {
      const frame = readFrame(bytes.subarray(at))
      frames.push(frame)
      at += frame.bytes.length
    } else throw new RangeError('it is no zstd frame')
  } while (at < bytes.length)
  if (at > bytes.length) throw new RangeError('the data ends early')
  return frames
}

/** Walks the frame that the bytes begin with. */
function readFrame(bytes: Uint8Array): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const descriptor = view.getUint8(4)
  const isSingle = (descriptor & 0x20) !== 0
  if (descriptor & 0x08) throw new RangeError('a reserved bit is set')
  if (descriptor & 0x03) throw new RangeError('it needs a dictionary')
  let at = isSingle ? 5 : 6
  const contentSize = readContentSize(view, at, descriptor >> 6, isSingle)
  const window = contentSize.value !== undefined && isSingle ? contentSize.value : readWindow(view.getUint8(at - 1))
  if (window > MAX_WINDOW_BYTES) throw new RangeError('its window is too large')
  at += contentSize.bytes
  let bound = 0
  for (let isLast = false; !isLast;) {
    const block = view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
    const type = (block >> 1) & 3
    const size = block >> 3
    if (type === 3 || size > BLOCK_BYTES) throw new RangeError('a block has a type or a size that it cannot have')
    isLast = (block & 1) === 1
    bound += type === 2 ? BLOCK_BYTES : size
    at += 3 + (type === 1 ? 1 : size)
  }
  if (descriptor & 0x04) at += 4
  if (at > bytes.length) throw new RangeError('the data ends early')
  if ((contentSize.value ?? 0) > bound) throw new RangeError(`its blocks can't unfold to ${contentSize.value} bytes`)
  return { bytes: bytes.subarray(0, at), contentSize: contentSize.value, bound }
}

function readWindow(byte: number): number {
  const base = 2 ** (10 + (byte >> 3))
  return base + (base / 8) * (byte & 7)
}

function readContentSize(
  view: DataView,
  at: number,
  code: number,
  isSingle: boolean,
): { readonly value: number | undefined; readonly bytes: number } {
  if (code === 3) return { value: Number(view.getBigUint64(at, true)), bytes: 8 }
  if (code === 2) return { value: view.getUint32(at, true), bytes: 4 }
  if (code === 1) return { value: view.getUint16(at, true) + 256, bytes: 2 }
  return isSingle ? { value: view.getUint8(at), bytes: 1 } : { value: undefined, bytes: 0 }
}
