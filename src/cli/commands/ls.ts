import { printIdentifier, printNamespace } from '../../spec/identifier.ts'
import type { CommandContext } from '../command.ts'

export async function ls({ name: namespace, catalog, output, host: { signal } }: CommandContext): Promise<void> {
  const opened = await catalog()
  const all = namespace === ''
  const names = all
    ? (await opened.listNamespaces({ signal })).map(printNamespace)
    : (await opened.listTables(namespace, { signal })).map(printIdentifier)
  await output.list(names, {
    json: (name) => (all ? { namespace: name } : { identifier: name }),
    columns: [{ title: all ? 'namespace' : 'table' }],
    cells: (name) => [name],
    empty: all ? 'no namespaces: `firn import` and `firn create` make the first' : `no tables in ${namespace}`,
  })
}
