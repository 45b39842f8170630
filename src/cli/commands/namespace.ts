/** The verbs of namespaces. */
import { parseNamespace, printNamespace } from '../../spec/identifier.ts'
import type { CommandContext } from '../command.ts'
import { splitPair } from '../table-options.ts'

export async function createNamespace({ name, options, catalog, output, host }: CommandContext): Promise<void> {
  const properties = Object.fromEntries(options.list('property').map((text) => splitPair('property', text)))
  await (await catalog()).createNamespace(name, properties, { signal: host.signal })
  await output.result({ namespace: name, properties }, () => [`created ${name}`])
}

export async function listNamespaces({ name, catalog, output, host }: CommandContext): Promise<void> {
  const parent = name === '' ? undefined : parseNamespace(name)
  const names = await (await catalog()).listNamespaces({ parent, signal: host.signal })
  await output.list(names.map(printNamespace), {
    json: (namespace) => ({ namespace }),
    columns: [{ title: 'namespace' }],
    cells: (namespace) => [namespace],
    empty: name === '' ? 'no namespaces: `firn namespace create` makes one' : `no namespaces in ${name}`,
  })
}

export async function dropNamespace({ name, catalog, output, host }: CommandContext): Promise<void> {
  await (await catalog()).dropNamespace(name, { signal: host.signal })
  await output.result({ namespace: name, dropped: true }, () => [`dropped ${name}`])
}

/** Shows the properties, after the changes that were asked for. */
export async function namespaceProperties({ name, options, catalog, output, host }: CommandContext): Promise<void> {
  const { signal } = host
  const opened = await catalog()
  const set = Object.fromEntries(options.list('set').map((text) => splitPair('set', text)))
  const remove = options.list('remove')
  if (Object.keys(set).length > 0 || remove.length > 0) {
    const { missing } = await opened.updateNamespaceProperties(name, { set, remove }, { signal })
    for (const key of missing) host.stderr.write(`firn: ${name} has no property ${key}\n`)
  }
  const properties = await opened.namespaceProperties(name, { signal })
  await output.result({ namespace: name, properties }, () => {
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}`)
    return lines.length === 0 ? [`${name} has no properties`] : lines
  })
}
