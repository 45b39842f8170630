/** What the files of test/fixtures/compression unfold to: 200,000 bytes of repeats with some noise between them. */

export function compressionText(): Uint8Array {
  let state = 1
  const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32
  let text = ''
  while (text.length < 200_000) {
    if (random() < 0.2) text += `s3://bucket/table/data/00000-${Math.floor(random() * 1e9)}.parquet,`
    else text += 'abcdefgh'.repeat(1 + random() * 20)
  }
  return new Uint8Array(Buffer.from(text.slice(0, 200_000)))
}
