/** The settings in effect as `firn config` shows them: value and origin of each, and of credentials only who holds them. */
import type { Host } from './command.ts'
import type { NamedWarehouse } from './config-settings.ts'
import type { Warehouse } from './warehouse.ts'

export interface EffectiveSetting {
  readonly setting: string
  /** Null where it is decided later, by what `source` names. */
  readonly value: string | null
  readonly source: string
}

type Found = Omit<EffectiveSetting, 'setting'>

export function effectiveSettings(warehouse: Warehouse, env: Host['env']): readonly EffectiveSetting[] {
  const { uri, source, named } = warehouse
  const name = named === undefined ? [] : [{ setting: 'warehouse', value: named.name, source }]
  const place = { setting: 'uri', value: uri, source: named?.path ?? source }
  if (!uri.startsWith('s3:')) return [...name, place]
  const endpoint = endpointOf(warehouse, env)
  return [
    ...name,
    place,
    { setting: 'endpoint', ...endpoint },
    { setting: 'region', ...regionOf(warehouse, env, endpoint) },
    { setting: 'pathStyle', ...pathStyleOf(warehouse, endpoint) },
    { setting: 'credentials', ...credentialsOf(warehouse, env) },
  ]
}

function endpointOf(warehouse: Warehouse, env: Host['env']): Found {
  const found = ofFile(warehouse, 'endpoint') ?? ofEnvironment(env, ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'])
  // A password in a URL of the environment is nobody's to see.
  if (found !== undefined) return { ...found, value: found.value?.replace(/\/\/[^/@]*@/, '//') ?? null }
  return { value: 'AWS S3', source: 'default' }
}

function regionOf(warehouse: Warehouse, env: Host['env'], endpoint: Found): Found {
  const found = ofFile(warehouse, 'region') ?? ofEnvironment(env, ['AWS_REGION', 'AWS_DEFAULT_REGION'])
  if (found !== undefined) return found
  return endpoint.source === 'default'
    ? { value: null, source: 'the AWS profile' }
    : { value: 'us-east-1', source: 'default' }
}

function pathStyleOf(warehouse: Warehouse, endpoint: Found): Found {
  return ofFile(warehouse, 'pathStyle') ?? { value: String(endpoint.source !== 'default'), source: 'default' }
}

function credentialsOf({ named }: Warehouse, env: Host['env']): Found {
  const { profile, accessKeyIdEnv, secretAccessKeyEnv } = named?.entry ?? {}
  if (profile !== undefined) return { value: `profile ${profile}`, source: named?.path ?? '' }
  if (accessKeyIdEnv !== undefined)
    return { value: `$${accessKeyIdEnv} and $${secretAccessKeyEnv}`, source: named?.path ?? '' }
  // In the order of the SDK's own chain.
  if (env['AWS_PROFILE']) return { value: `profile ${env['AWS_PROFILE']}`, source: 'AWS_PROFILE' }
  if (env['AWS_ACCESS_KEY_ID'] && env['AWS_SECRET_ACCESS_KEY'])
    return { value: '$AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY', source: 'environment' }
  return { value: null, source: 'the AWS profile, or the role of the machine' }
}

function ofFile({ named }: Warehouse, key: keyof NamedWarehouse): Found | undefined {
  const value = named?.entry[key]
  return named === undefined || value === undefined ? undefined : { value: String(value), source: named.path }
}

function ofEnvironment(env: Host['env'], variables: readonly string[]): Found | undefined {
  const variable = variables.find((each) => env[each])
  return variable === undefined ? undefined : { value: env[variable] ?? null, source: variable }
}
