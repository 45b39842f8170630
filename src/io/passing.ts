/** A FileIO that passes all calls on to another: what decorators are made of that change a few of them (caching.ts, hedging.ts). */
import type {
  Answer,
  ByteRange,
  CasStore,
  FileIO,
  IoOptions,
  ListOptions,
  ListPage,
  ReadAnswer,
  StatAnswer,
  StreamAnswer,
} from './file-io.ts'

export class PassingFileIO implements FileIO {
  readonly kind: FileIO['kind']
  readonly storeId: string
  readonly cas: CasStore
  protected readonly inner: FileIO

  constructor(inner: FileIO) {
    this.kind = inner.kind
    this.storeId = inner.storeId
    this.cas = inner.cas
    this.inner = inner
  }

  read(location: string, options?: IoOptions): Promise<ReadAnswer> {
    return this.inner.read(location, options)
  }

  readRange(location: string, range: ByteRange, options?: IoOptions): Promise<ReadAnswer> {
    return this.inner.readRange(location, range, options)
  }

  write(location: string, bytes: Uint8Array, options?: IoOptions): Promise<Answer> {
    return this.inner.write(location, bytes, options)
  }

  writeStream(location: string, chunks: AsyncIterable<Uint8Array>, options?: IoOptions): Promise<StreamAnswer> {
    return this.inner.writeStream(location, chunks, options)
  }

  stat(location: string, options?: IoOptions): Promise<StatAnswer> {
    return this.inner.stat(location, options)
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ListPage> {
    return this.inner.list(prefix, options)
  }

  delete(locations: readonly string[], options?: IoOptions): Promise<Answer> {
    return this.inner.delete(locations, options)
  }

  storeTimeMs(options?: IoOptions): Promise<number> {
    return this.inner.storeTimeMs(options)
  }

  close(): Promise<void> {
    return this.inner.close()
  }
}
