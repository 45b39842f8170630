import type { CommandContext } from '../command.ts'

export async function init({ catalog, output }: CommandContext): Promise<void> {
  const { warehouse, storeId, checks } = await (await catalog()).init()
  const asked = checks.map(({ promise, problem = null }) => ({ promise, problem }))
  await output.result({ warehouse, store: storeId, checks: asked }, () => [
    `the store ${storeId} was asked:`,
    // A store that breaks one has been refused.
    ...checks.map(({ promise }) => `  yes  ${promise}`),
    `${warehouse} is ready: firn create, import and append write to it`,
  ])
}
