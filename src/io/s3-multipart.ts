/**
 * Large objects: parts in parallel, then CompleteMultipartUpload. Each request has its own retries, so that one lost part
 * doesn't send gigabytes again; whatever fails in the end, the upload is aborted, for its parts cost storage.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  HeadObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { mapConcurrent } from '../base/concurrency.ts'
import type { RequestVerb } from '../base/events.ts'
import { UnsupportedError } from '../base/errors.ts'
import type { IoOptions, StreamAnswer } from './file-io.ts'
import { parseS3Location } from './location.ts'
import type { S3Connection, S3Request } from './s3-client.ts'
import { PART_SIZE_BYTES } from './stream.ts'

/** Runs one request as often as its owner allows. */
export type RunRequest = <T>(
  request: { readonly verb: RequestVerb; readonly location: string },
  attempt: () => Promise<T>,
  signal?: AbortSignal,
) => Promise<T>

export interface MultipartOptions extends IoOptions {
  readonly encryption: Partial<CreateMultipartUploadCommandInput>
  readonly run: RunRequest
}

interface Upload {
  readonly target: { readonly Bucket: string; readonly Key: string; readonly UploadId: string }
  readonly location: string
  readonly signal: AbortSignal | undefined
  readonly run: RunRequest
}

interface Part {
  readonly PartNumber: number
  readonly ETag: string | undefined
  readonly sizeBytes: number
}

const MAX_PARTS = 10_000
/** Of bytes that are there already, and of those that are still being made: these take memory for each part. */
const PARTS_IN_FLIGHT = 4
const STREAMED_PARTS_IN_FLIGHT = 2

export async function writeInParts(
  s3: S3Connection,
  object: { readonly location: string; readonly parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array> },
  { encryption, run, signal }: MultipartOptions,
): Promise<StreamAnswer> {
  const { location, parts } = object
  const { bucket: Bucket, key: Key } = parseS3Location(location)
  const post: S3Request = { verb: 'POST', location, signal }
  const begin = new CreateMultipartUploadCommand({ ...encryption, Bucket, Key })
  const { output } = await run(post, () => s3.send(begin, post), signal)
  const upload: Upload = { target: { Bucket, Key, UploadId: output.UploadId ?? '' }, location, signal, run }
  try {
    return await complete(s3, upload, await uploadParts(s3, upload, parts))
  } catch (error) {
    // Without the caller's signal: it may be what ended the upload.
    await s3.attempt(new AbortMultipartUploadCommand(upload.target), { verb: 'DELETE', location })
    throw error
  }
}

/** The parts of bytes that are there already; larger ones where there would be too many. */
export function* partsOf(bytes: Uint8Array): Generator<Uint8Array> {
  const partBytes = Math.max(PART_SIZE_BYTES, Math.ceil(bytes.length / MAX_PARTS))
  for (let offset = 0; offset < bytes.length; offset += partBytes) yield bytes.subarray(offset, offset + partBytes)
}

async function uploadParts(
  s3: S3Connection,
  { target, location, signal, run }: Upload,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Part[]> {
  const parts: Part[] = []
  const limit = Symbol.asyncIterator in pieces ? STREAMED_PARTS_IN_FLIGHT : PARTS_IN_FLIGHT
  let count = 0
  const put = async (Body: Uint8Array): Promise<Part> => {
    const PartNumber = ++count
    if (PartNumber > MAX_PARTS) throw tooLarge(location)
    const sizeBytes = Body.length
    const request: S3Request = { verb: 'PUT', location, bytesSent: sizeBytes, signal }
    const { output } = await run(
      request,
      () => s3.send(new UploadPartCommand({ ...target, PartNumber, Body }), request),
      signal,
    )
    return { PartNumber, ETag: output.ETag, sizeBytes }
  }
  for await (const part of mapConcurrent(pieces, limit, put, signal)) parts.push(part)
  return parts
}

function tooLarge(location: string): UnsupportedError {
  const gigabytes = Math.floor((MAX_PARTS * PART_SIZE_BYTES) / 2 ** 30)
  return new UnsupportedError(`${location} would be larger than the ${gigabytes} GB that can be streamed: split it`, {
    context: { location },
  })
}

async function complete(s3: S3Connection, upload: Upload, parts: readonly Part[]): Promise<StreamAnswer> {
  const { target, location, signal, run } = upload
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
  const Parts = parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }))
  const request: S3Request = { verb: 'POST', location, signal }
  return run(
    request,
    async () => {
      const command = new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts } })
      const result = await s3.attempt(command, request)
      const { storeTimeMs } = result
      if (result.ok) return { storeTimeMs, sizeBytes }
      // An earlier request may have completed it with its answer lost: then the object is there.
      if (result.failure.code === 'NoSuchUpload' && (await isThere(s3, upload, sizeBytes)))
        return { storeTimeMs, sizeBytes }
      throw await s3.errorOf(result.failure, location)
    },
    signal,
  )
}

async function isThere(s3: S3Connection, { target, location, signal }: Upload, sizeBytes: number): Promise<boolean> {
  const command = new HeadObjectCommand({ Bucket: target.Bucket, Key: target.Key })
  const result = await s3.attempt(command, { verb: 'HEAD', location, signal })
  return result.ok && result.output.ContentLength === sizeBytes
}
