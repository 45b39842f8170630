/** ListObjectsV2, page by page. Stores list in the order of keys' bytes. */
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { Answer, CasListOptions, ListEntry } from './file-io.ts'
import { compareBytewise, parseS3Location } from './location.ts'
import type { S3Connection } from './s3-client.ts'

export interface S3ListPage extends Answer {
  readonly entries: readonly ListEntry[]
  readonly folders: readonly string[]
}

export async function* listS3(s3: S3Connection, prefix: string, options: CasListOptions): AsyncGenerator<S3ListPage> {
  const { delimited = false, startAfter, signal } = options
  const { bucket, key } = parseS3Location(prefix)
  const head = prefix.slice(0, prefix.length - key.length)
  // Keys may hold characters that XML can't: they come URL-encoded.
  const location = (encoded: string | undefined): string =>
    head + decodeURIComponent((encoded ?? '').replaceAll('+', ' '))
  const input = {
    Bucket: bucket,
    Prefix: key,
    EncodingType: 'url' as const,
    ...(delimited ? { Delimiter: '/' } : {}),
    ...(startAfter === undefined ? {} : { StartAfter: parseS3Location(startAfter).key }),
  }
  let token: string | undefined
  do {
    const command = new ListObjectsV2Command(token === undefined ? input : { ...input, ContinuationToken: token })
    const { output, storeTimeMs } = await s3.send(command, { verb: 'LIST', location: prefix, signal })
    const entries = (output.Contents ?? []).map((object) => ({
      location: location(object.Key),
      sizeBytes: object.Size ?? 0,
      lastModifiedMs: object.LastModified?.getTime() ?? storeTimeMs,
    }))
    const folders = (output.CommonPrefixes ?? []).map((folder) => location(folder.Prefix))
    // The folder that holds `startAfter` sorts before it, but comes again for the keys in it that follow.
    const following = folders.filter((folder) => startAfter === undefined || compareBytewise(folder, startAfter) > 0)
    yield { entries, folders: following, storeTimeMs }
    token = output.IsTruncated === true ? output.NextContinuationToken : undefined
  } while (token !== undefined)
}
