/** Parquet files as others might have left them: written by firn's own writer, with or without field ids. */
import { createParquetWriter } from '../../src/format/parquet-writer.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import type { SchemaInput } from '../../src/spec/define-schema.ts'
import { toBatches } from '../../src/write/append-input.ts'
import { withoutIds } from '../format/parquet-file.ts'

export async function parquetOf(
  schemaInput: SchemaInput,
  rows: readonly object[],
  options: { readonly ids?: boolean } = {},
): Promise<Uint8Array> {
  const schema = defineSchema(schemaInput)
  const writer = createParquetWriter({ schema })
  for await (const batch of toBatches([...rows], schema)) writer.write(batch)
  const { bytes } = writer.finish()
  return options.ids === true ? bytes : withoutIds(bytes)
}

export const memory = new MemoryFileIO({ runtime: systemRuntime })
