/**
 * A process that writes rows (worker, i) until it has written `count` or is killed, and says on stdout what is acknowledged:
 * `append`: one after another; `group`: ten at a time; `stream`: through a buffered appender, on from where it stands.
 */
import { openCatalog } from '../../dist/index.js'

const [warehouse, name, mode, ...numbers] = process.argv.slice(2)
const [worker, first, count] = numbers.map(Number)
const catalog = await openCatalog(warehouse)
const table = await catalog.loadTable(name)
const say = (i) => process.stdout.write(`${i}\n`)

async function append(i) {
  await table.append([{ worker, i }])
  say(i)
}

async function stream() {
  const appender = await table.bufferedAppender({
    stream: `w${worker}`,
    flushRows: 7,
    flushMs: 200,
    closeOn: ['SIGTERM'],
  })
  say(`from ${appender.token ?? 0}`)
  for (let i = Number(appender.token ?? 0) + 1; i <= count; i++) {
    await appender.append([{ worker, i }], { token: String(i) })
    if (i % 5 === 0) await appender.flush()
    if (appender.token !== undefined) say(appender.token)
  }
  await appender.close()
  say(appender.token)
}

if (mode === 'stream') await stream()
else {
  const size = mode === 'group' ? 10 : 1
  for (let i = first; i < first + count; i += size) {
    await Promise.all(Array.from({ length: Math.min(size, first + count - i) }, (_, n) => append(i + n)))
  }
}
await catalog.close()
