import { NotFoundError, ValidationError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { toLocation } from '../../io/location.ts'
import { isObject, readConfig, writeConfig } from '../config-file.ts'
import type { ConfigFile } from '../config-file.ts'
import { defaultOf, isWarehouseName, noSuchWarehouse, settingValue, warehousesOf } from '../config-settings.ts'
import type { CommandContext } from '../command.ts'
import { effectiveSettings } from '../effective-settings.ts'
import { TextTable } from '../text-table.ts'
import { findWarehouse } from '../warehouse.ts'

export async function showConfig({ options, host, output }: CommandContext): Promise<void> {
  const file = await readConfig(host)
  const inEffect = await findWarehouse(options.string('warehouse'), host)
  const settings = inEffect === undefined ? [] : effectiveSettings(inEffect, host.env)
  const defaultName = defaultOf(file)
  const warehouses = Object.entries(warehousesOf(file)).map(([name, entry]) => {
    const uri = isObject(entry) && typeof entry['uri'] === 'string' ? entry['uri'] : null
    return { name, uri, isDefault: name === defaultName }
  })
  await output.result({ path: file.path, exists: file.exists, settings: settings.map(asJson), warehouses }, () => [
    ...(settings.length === 0
      ? ['no warehouse: give --warehouse, or set FIRN_WAREHOUSE, or a default by firn config set default NAME']
      : new TextTable([{ title: 'setting' }, { title: 'value' }, { title: 'from' }], output.columns).page(
          settings.map(({ setting, value, source }) => [setting, value ?? '', source]),
        )),
    '',
    `config file ${file.path}${file.exists ? '' : ' (not there)'}`,
    ...warehouses.map(({ name, uri, isDefault }) => `${isDefault ? '*' : ' '} ${name}  ${uri ?? ''}`),
  ])
}

export async function showConfigPath({ host, output }: CommandContext): Promise<void> {
  const { path, exists } = await readConfig(host)
  await output.result({ path, exists }, () => [path])
}

export async function setConfig({ options, host, output }: CommandContext): Promise<void> {
  const [key = '', text = ''] = options.args
  const file = await readConfig(host)
  if (key === 'default') {
    if (!Object.hasOwn(warehousesOf(file), text)) throw noSuchWarehouse(file, text)
    await writeConfig(file.path, { ...file.document, default: text })
    return output.result({ path: file.path, key, value: text }, () => [`default = ${text} in ${file.path}`])
  }
  const { name, setting } = parseKey(key)
  if (setting === undefined) throw new ValidationError(`give a setting too: firn config set ${name}.uri URI`)
  const value = settingValue(setting, setting === 'uri' ? absolute(text, host.cwd) : text)
  const entry = entryOf(file, name)
  if (entry === undefined && setting !== 'uri')
    throw new ValidationError(`there is no warehouse "${name}" yet: firn config set ${name}.uri URI makes it`)
  await writeConfig(file.path, withEntry(file, name, { ...entry, [setting]: value }))
  await output.result({ path: file.path, key, value }, () => [
    `${key} = ${value} in ${file.path}`,
    ...(defaultOf(file) === undefined ? [`firn config set default ${name} makes it the one that needs no naming`] : []),
  ])
}

export async function unsetConfig({ options, host, output }: CommandContext): Promise<void> {
  const [key = ''] = options.args
  const file = await readConfig(host)
  const { document, path } = file
  await writeConfig(path, key === 'default' ? without(file, document, key) : withoutKey(file, key))
  await output.result({ path, key, value: null }, () => [`took ${key} out of ${path}`])
}

function withoutKey(file: ConfigFile, key: string): JsonObject {
  const { name, setting } = parseKey(key)
  const entry = entryOf(file, name)
  if (entry === undefined) throw notSet(file, key)
  if (setting === 'uri') throw new ValidationError(`a warehouse is nothing without its uri: firn config unset ${name}`)
  if (setting !== undefined) return withEntry(file, name, without(file, entry, setting))
  const { document } = file
  const warehouses = without(file, isObject(document['warehouses']) ? document['warehouses'] : {}, name)
  const rest = document['default'] === name ? without(file, document, 'default') : document
  return { ...rest, warehouses }
}

/** The entry as it stands in the file, keys that are not known too. */
function entryOf({ path, document }: ConfigFile, name: string): JsonObject | undefined {
  const warehouses = document['warehouses'] ?? {}
  const entry = isObject(warehouses) && Object.hasOwn(warehouses, name) ? warehouses[name] : undefined
  if (isObject(warehouses) && (entry === undefined || isObject(entry))) return entry
  throw new ValidationError(`${path}: warehouses.${name}: expected an object: mend the file first`)
}

function withEntry({ document }: ConfigFile, name: string, entry: JsonObject): JsonObject {
  const warehouses = isObject(document['warehouses']) ? document['warehouses'] : {}
  return { ...document, warehouses: { ...warehouses, [name]: entry } }
}

function without(file: ConfigFile, members: JsonObject, key: string): JsonObject {
  if (!Object.hasOwn(members, key)) throw notSet(file, key)
  return Object.fromEntries(Object.entries(members).filter(([member]) => member !== key))
}

function notSet({ path }: ConfigFile, key: string): NotFoundError {
  return new NotFoundError(`${key} is not set in ${path}`, { context: { path, key } })
}

function parseKey(key: string): { readonly name: string; readonly setting: string | undefined } {
  const at = key.indexOf('.')
  const [name, setting] = at < 0 ? [key, undefined] : [key.slice(0, at), key.slice(at + 1)]
  if (isWarehouseName(name)) return { name, setting }
  throw new ValidationError(`"${name}" can't name a warehouse: take letters, digits, - and _, and not "default"`)
}

function absolute(uri: string, cwd: string): string {
  return /^https?:/.test(uri) ? uri : toLocation(uri, cwd)
}

function asJson({ setting, value, source }: { setting: string; value: string | null; source: string }): JsonObject {
  return { setting, value, source }
}
