/** Which warehouse a command works on, and how its store is reached: flag, then environment, then config file. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { NotFoundError, ValidationError } from '../base/errors.ts'
import { toLocation } from '../io/location.ts'
import type { S3Settings } from '../io/s3-settings.ts'
import type { Host } from './command.ts'
import { readConfig } from './config-file.ts'
import type { ConfigFile } from './config-file.ts'
import { defaultOf, isWarehouseName, noSuchWarehouse, warehouseNamed, warehousesOf } from './config-settings.ts'
import type { NamedWarehouse } from './config-settings.ts'

export interface Warehouse {
  /** A location, or the URL of a REST catalog. */
  readonly uri: string
  /** What said which it is: `--warehouse`, `FIRN_WAREHOUSE`, or the config file. */
  readonly source: string
  /** Its entry in the config file, where it was given by name. */
  readonly named: { readonly name: string; readonly path: string; readonly entry: NamedWarehouse } | undefined
  /** For all s3:// locations of the command; what is left out is the environment's. */
  readonly s3: S3Settings
}

type Place = Pick<Host, 'env' | 'cwd'>

/**
 * A plain word is the name of a warehouse in the config file, and where that has none of that name, a folder; `./word`
 * is always a folder. Undefined where no warehouse is given. Errors: ValidationError.
 */
export async function findWarehouse(flag: string | undefined, host: Place): Promise<Warehouse | undefined> {
  const { env, cwd } = host
  const given = flag ?? (env['FIRN_WAREHOUSE'] || undefined)
  const source = flag === undefined ? 'FIRN_WAREHOUSE' : '--warehouse'
  if (given !== undefined && !isWarehouseName(given)) return unnamed(given, source, cwd)
  const file = await readConfig(host)
  const name = given ?? defaultOf(file)
  if (name === undefined) return undefined
  if (given === undefined) return fromFile(file, name, { source: file.path, env })
  if (Object.hasOwn(warehousesOf(file), name)) return fromFile(file, name, { source, env })
  if (await mayBeFolder(file, name, host)) return unnamed(name, source, cwd)
  throw noSuchWarehouse(file, name)
}

function unnamed(given: string, source: string, cwd: string): Warehouse {
  const uri = /^https?:/.test(given) ? given : toLocation(given, cwd)
  return { uri, source, named: undefined, s3: {} }
}

/** Where there are names, a word that is none and no folder either is a slip: it must not make a warehouse. */
async function mayBeFolder(file: ConfigFile, name: string, { env, cwd }: Place): Promise<boolean> {
  if (!file.exists && env['FIRN_CONFIG']) {
    throw new NotFoundError(`there is no config file ${file.path}: check FIRN_CONFIG`, { context: { path: file.path } })
  }
  if (Object.keys(warehousesOf(file)).length === 0) return true
  return (await stat(resolve(cwd, name)).catch(() => undefined))?.isDirectory() ?? false
}

function fromFile(
  file: ConfigFile,
  name: string,
  { source, env }: { readonly source: string; readonly env: Host['env'] },
): Warehouse {
  const entry = warehouseNamed(file, name)
  const { uri, endpoint, region, pathStyle, profile } = entry
  const credentials = credentialsOf(entry, { name, path: file.path, env })
  const s3 = { endpoint, region, pathStyle, profile, credentials }
  const location = /^https?:/.test(uri) ? uri : toLocation(uri, '/')
  return { uri: location, source, named: { name, path: file.path, entry }, s3 }
}

function credentialsOf(
  entry: NamedWarehouse,
  { name, path, env }: { readonly name: string; readonly path: string; readonly env: Host['env'] },
): S3Settings['credentials'] {
  const { accessKeyIdEnv: id, secretAccessKeyEnv: secret, sessionTokenEnv: token, profile } = entry
  if (id === undefined && secret === undefined && token === undefined) return undefined
  const where = `${path}: warehouses.${name}`
  if (id === undefined || secret === undefined)
    throw new ValidationError(`${where}: accessKeyIdEnv and secretAccessKeyEnv go together`)
  if (profile !== undefined)
    throw new ValidationError(`${where}: give credentials by profile or by variables, not both`)
  const read = (variable: string): string => {
    const value = env[variable]
    if (value) return value
    throw new ValidationError(`${where} takes credentials from $${variable}, which is not set`, {
      context: { warehouse: name, variable },
    })
  }
  return {
    accessKeyId: read(id),
    secretAccessKey: read(secret),
    ...(token === undefined ? {} : { sessionToken: read(token) }),
  }
}
