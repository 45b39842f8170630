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
import type { Answer, IoOptions } from './file-io.ts'
import { parseS3Location } from './location.ts'
import type { S3Connection, S3Request } from './s3-client.ts'

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
  readonly bytes: Uint8Array
  readonly signal: AbortSignal | undefined
  readonly run: RunRequest
}

interface Part {
  readonly PartNumber: number
  readonly ETag: string | undefined
}

/** Objects above this size go in parts. */
export const PART_SIZE_BYTES: number = 16 * 1024 * 1024
const MAX_PARTS = 10_000
const PART_CONCURRENCY = 4

export async function writeInParts(
  s3: S3Connection,
  object: { readonly location: string; readonly bytes: Uint8Array },
  { encryption, run, signal }: MultipartOptions,
): Promise<Answer> {
  const { location, bytes } = object
  const { bucket: Bucket, key: Key } = parseS3Location(location)
  const post: S3Request = { verb: 'POST', location, signal }
  const begin = new CreateMultipartUploadCommand({ ...encryption, Bucket, Key })
  const { output } = await run(post, () => s3.send(begin, post), signal)
  const upload: Upload = { target: { Bucket, Key, UploadId: output.UploadId ?? '' }, location, bytes, signal, run }
  try {
    return await complete(s3, upload, await uploadParts(s3, upload))
  } catch (error) {
    // Without the caller's signal: it may be what ended the upload.
    await s3.attempt(new AbortMultipartUploadCommand(upload.target), { verb: 'DELETE', location })
    throw error
  }
}

async function uploadParts(s3: S3Connection, { target, location, bytes, signal, run }: Upload): Promise<Part[]> {
  const partBytes = Math.max(PART_SIZE_BYTES, Math.ceil(bytes.length / MAX_PARTS))
  const numbers = Array.from({ length: Math.ceil(bytes.length / partBytes) }, (_, i) => i + 1)
  const parts: Part[] = []
  const put = async (PartNumber: number): Promise<Part> => {
    const Body = bytes.subarray((PartNumber - 1) * partBytes, PartNumber * partBytes)
    const request: S3Request = { verb: 'PUT', location, bytesSent: Body.length, signal }
    const { output } = await run(
      request,
      () => s3.send(new UploadPartCommand({ ...target, PartNumber, Body }), request),
      signal,
    )
    return { PartNumber, ETag: output.ETag }
  }
  for await (const part of mapConcurrent(numbers, PART_CONCURRENCY, put, signal)) parts.push(part)
  return parts
}

async function complete(s3: S3Connection, upload: Upload, parts: readonly Part[]): Promise<Answer> {
  const { target, location, bytes, signal, run } = upload
  const request: S3Request = { verb: 'POST', location, signal }
  return run(
    request,
    async () => {
      const command = new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts: [...parts] } })
      const result = await s3.attempt(command, request)
      const { storeTimeMs } = result
      if (result.ok) return { storeTimeMs }
      // An earlier request may have completed it with its answer lost: then the object is there.
      if (result.failure.code === 'NoSuchUpload' && (await isThere(s3, upload, bytes.length))) return { storeTimeMs }
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
