import type { CommandContext } from '../command.ts'

export async function init({ catalog, output }: CommandContext): Promise<void> {
  const { warehouse, storeId, checks } = await (await catalog()).init()
  const asked = checks.map(({ promise, problem = null }) => ({ promise, problem }))
  const asker = warehouse.startsWith('file:') ? 'the file system' : `the store ${storeId}`
  await output.result({ warehouse, store: storeId, checks: asked }, () => [
    `${asker} was asked:`,
    // A store that breaks one has been refused.
    ...checks.map(({ promise }) => `  yes  ${promise}`),
    `${warehouse} is ready: firn create, import and append write to it`,
  ])
}
