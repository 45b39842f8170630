/** What the config file may hold, checked: the settings of a named warehouse, and their values. */
import { ValidationError } from '../base/errors.ts'
import type { JsonObject, JsonValue } from '../base/json.ts'
import { closestNames } from '../spec/closest-names.ts'
import { isObject } from './config-file.ts'
import type { ConfigFile } from './config-file.ts'

/** A warehouse of the file, as it stands there. */
export interface NamedWarehouse {
  readonly uri: string
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  readonly pathStyle?: boolean | undefined
  readonly profile?: string | undefined
  /** Names of variables of the environment that hold credentials. */
  readonly accessKeyIdEnv?: string | undefined
  readonly secretAccessKeyEnv?: string | undefined
  readonly sessionTokenEnv?: string | undefined
}

type Setting = keyof NamedWarehouse

/** What each setting takes; undefined where a text is right. */
const SETTINGS: Readonly<Record<Setting, (text: string) => string | undefined>> = {
  uri: (text) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return hasUser(text) ? 'no user or password' : undefined
    return text.startsWith('/') ? undefined : 's3://bucket/prefix or an absolute path'
  },
  endpoint: (text) => (/^https?:\/\/[^/]/.test(text) && !hasUser(text) ? undefined : 'an http(s) URL without a user'),
  region: notEmpty,
  pathStyle: (text) => (text === 'true' || text === 'false' ? undefined : 'true or false'),
  profile: notEmpty,
  accessKeyIdEnv: variableName,
  secretAccessKeyEnv: variableName,
  sessionTokenEnv: variableName,
}
const TOP_LEVEL = ['default', 'warehouses']
const SECRETS = /^(?:access_?key(?:_?id)?|secret(?:_?access)?(?:_?key)?|session_?token|credentials|password|token)$/i

const WAREHOUSE_SETTINGS: readonly string[] = Object.keys(SETTINGS)

/** Names have no dots and slashes, so that `prod.uri` names a setting and `./prod` a folder; `default` is the file's own word. */
export function isWarehouseName(text: string): boolean {
  return /^[a-z0-9][\w-]*$/i.test(text) && text !== 'default'
}

/** The file's warehouses as they stand there, unchecked. Errors: ValidationError for what is no such file. */
export function warehousesOf({ path, document }: ConfigFile): JsonObject {
  for (const key of Object.keys(document)) if (!TOP_LEVEL.includes(key)) throw unknownKey(path, key, TOP_LEVEL)
  const { warehouses = {} } = document
  if (!isObject(warehouses)) throw wrong(path, 'warehouses', 'an object: {"NAME": {"uri": …}}')
  const bad = Object.keys(warehouses).find((name) => !isWarehouseName(name))
  if (bad !== undefined) throw wrong(path, `warehouses.${bad}`, 'a name of letters, digits, - and _, not "default"')
  return warehouses
}

export function defaultOf({ path, document }: ConfigFile): string | undefined {
  const { default: name } = document
  if (name === undefined || typeof name === 'string') return name
  throw wrong(path, 'default', 'the name of a warehouse')
}

/** Errors: ValidationError for a name that is not there, unknown keys, wrong values. */
export function warehouseNamed(file: ConfigFile, name: string): NamedWarehouse {
  const { path } = file
  const warehouses = warehousesOf(file)
  const entry = Object.hasOwn(warehouses, name) ? warehouses[name] : undefined
  if (entry === undefined) throw noSuchWarehouse(file, name)
  if (!isObject(entry)) throw wrong(path, `warehouses.${name}`, 'an object: {"uri": …}')
  for (const [key, value] of Object.entries(entry)) checkMember(file, name, [key, value])
  const text = (key: Setting): string | undefined => {
    const value = entry[key]
    return typeof value === 'string' ? value : undefined
  }
  const uri = text('uri')
  if (uri === undefined) throw wrong(path, `warehouses.${name}.uri`, 's3://bucket/prefix or an absolute path')
  return {
    uri,
    endpoint: text('endpoint'),
    region: text('region'),
    pathStyle: typeof entry['pathStyle'] === 'boolean' ? entry['pathStyle'] : undefined,
    profile: text('profile'),
    accessKeyIdEnv: text('accessKeyIdEnv'),
    secretAccessKeyEnv: text('secretAccessKeyEnv'),
    sessionTokenEnv: text('sessionTokenEnv'),
  }
}

export function noSuchWarehouse(file: ConfigFile, name: string): ValidationError {
  const [closest] = closestNames(name, Object.keys(warehousesOf(file)))
  const hint = closest === undefined ? `set it by firn config set ${name}.uri URI` : `did you mean ${closest}?`
  return new ValidationError(`no warehouse "${name}" in ${file.path}; ${hint} A folder is given as ./${name}`, {
    context: { path: file.path, warehouse: name },
  })
}

/** A setting's value as the file holds it. Errors: ValidationError, which never tells the value of a secret. */
export function settingValue(setting: string, text: string): string | boolean {
  const problem = checkOf(setting)?.(text)
  if (!Object.hasOwn(SETTINGS, setting)) throw unknownKey('firn config set', setting, WAREHOUSE_SETTINGS)
  if (problem !== undefined) throw new ValidationError(`${setting} takes ${problem}`)
  return setting === 'pathStyle' ? text === 'true' : text
}

function checkMember({ path }: ConfigFile, name: string, [key, value]: readonly [string, JsonValue | undefined]): void {
  const check = checkOf(key)
  if (check === undefined) throw unknownKey(`${path}: warehouses.${name}`, key, WAREHOUSE_SETTINGS)
  const isSwitch = key === 'pathStyle'
  const text = isSwitch ? typeof value === 'boolean' && String(value) : typeof value === 'string' && value
  const problem = text === false ? (isSwitch ? 'true or false' : 'a string') : check(text)
  if (problem !== undefined) throw wrong(path, `warehouses.${name}.${key}`, problem)
}

function checkOf(setting: string): ((text: string) => string | undefined) | undefined {
  return Object.hasOwn(SETTINGS, setting) ? SETTINGS[setting as Setting] : undefined
}

function wrong(path: string, member: string, expected: string): ValidationError {
  return new ValidationError(`${path}: ${member}: expected ${expected}`, { context: { path, member } })
}

function unknownKey(where: string, key: string, known: readonly string[]): ValidationError {
  if (SECRETS.test(key)) {
    return new ValidationError(
      `${where}: "${key}": secrets don't belong in the config file: name a profile, or by accessKeyIdEnv and secretAccessKeyEnv the variables that hold them`,
      { context: { key } },
    )
  }
  const [closest] = closestNames(key, known)
  return new ValidationError(`${where}: unknown key "${key}"; did you mean ${closest}?`, { context: { key } })
}

function notEmpty(text: string): string | undefined {
  return text === '' ? 'a text that is not empty' : undefined
}

function variableName(text: string): string | undefined {
  return /^[a-z_]\w*$/i.test(text) ? undefined : 'the name of an environment variable, not its value'
}

function hasUser(uri: string): boolean {
  return URL.canParse(uri) && new URL(uri).username !== ''
}
