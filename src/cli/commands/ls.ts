import { printIdentifier, printNamespace } from '../../spec/identifier.ts'
import type { CommandContext } from '../command.ts'
import { formatTime } from '../output.ts'

export async function ls(context: CommandContext): Promise<void> {
  const { name: namespace, options, catalog, output, host } = context
  if (options.flag('dropped')) return listDropped(context)
  const { signal } = host
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

async function listDropped({ name: namespace, catalog, output, host: { signal } }: CommandContext): Promise<void> {
  const opened = await catalog()
  const dropped = await opened.listDropped(namespace === '' ? undefined : namespace, { signal })
  await output.list(dropped, {
    json: ({ identifier, uuid, droppedAtMs }) => ({
      identifier: printIdentifier(identifier),
      uuid,
      droppedAt: droppedAtMs === undefined ? null : new Date(droppedAtMs).toISOString(),
    }),
    columns: [{ title: 'table' }, { title: 'dropped' }, { title: 'uuid' }],
    cells: ({ identifier, uuid, droppedAtMs }) => [
      printIdentifier(identifier),
      droppedAtMs === undefined ? '' : formatTime(droppedAtMs),
      uuid,
    ],
    empty: 'nothing that could be brought back',
  })
}
