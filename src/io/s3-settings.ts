/** How to reach an S3 store: explicit settings, then the environment's variables, then the SDK's own chain. */
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { ValidationError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { HttpConnections } from './s3-http.ts'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** Encryption at rest, asked for with every object written; the bucket's default where it is left out. */
export type S3Encryption =
  | { readonly kind: 'AES256' }
  | { readonly kind: 'aws:kms'; readonly keyId?: string | undefined }

/** Left out, the AWS variables, profiles and roles decide, as in every AWS tool. */
export interface S3Settings {
  /** URL of a store other than AWS; else AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL. */
  readonly endpoint?: string | undefined
  /** Else AWS_REGION or AWS_DEFAULT_REGION, then the profile's; us-east-1 where an endpoint is given. */
  readonly region?: string | undefined
  /** Bucket in the path and not in the host's name; by default where an endpoint is given. */
  readonly pathStyle?: boolean | undefined
  /** A profile of the AWS config files: credentials, and the region where none is given. Else AWS_PROFILE. */
  readonly profile?: string | undefined
  readonly credentials?: S3Credentials | undefined
  readonly sse?: S3Encryption | undefined
  /** Time for an answer to begin, and again for its body; large bodies get more, at 1 MiB/s. 30 s. */
  readonly requestTimeoutMs?: number | undefined
  /** 5 s. */
  readonly connectTimeoutMs?: number | undefined
  /** Sockets open at a time; further requests wait. 64. */
  readonly maxConnections?: number | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

const MAX_CONNECTION_AGE_MS = 300_000
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const NODE_NOTE_SWITCH = 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'

/** Connections that are kept, none yet. */
export function createConnections(
  { maxConnections = 64, connectTimeoutMs = 5000 }: S3Settings,
  runtime: Runtime,
): HttpConnections {
  const agentOptions = { keepAlive: true, maxSockets: maxConnections }
  const http = ageLimited(new HttpAgent(agentOptions), runtime)
  const https = ageLimited(new HttpsAgent(agentOptions), runtime)
  return { http, https, connectTimeoutMs, runtime }
}

/** The SDK's client for these settings: one attempt a request, over the connections given, nothing printed. */
export function createS3Client(
  settings: S3Settings,
  { http: httpAgent, https: httpsAgent, connectTimeoutMs: connectionTimeout }: HttpConnections,
  env: Environment = process.env,
): S3Client {
  const requestHandler = { httpAgent, httpsAgent, connectionTimeout, logger: SILENT }
  return withoutNodeNote(() => new S3Client({ ...clientConfig(settings, env), requestHandler }))
}

/** The URL of a store other than AWS, if one is set. ValidationError where it is none. */
export function endpointOf(settings: S3Settings, env: Environment): string | undefined {
  const endpoint = settings.endpoint ?? (env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL'] || undefined)
  if (endpoint !== undefined && !/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : '')) {
    throw new ValidationError(`"${endpoint}" is no http(s) URL: check the S3 endpoint (AWS_ENDPOINT_URL_S3)`)
  }
  return endpoint?.replace(/\/+$/, '')
}

/** The SDK's configuration. */
export function clientConfig(settings: S3Settings, env: Environment): S3ClientConfig {
  const endpoint = endpointOf(settings, env)
  const named = settings.region ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || undefined)
  const region = named ?? (endpoint === undefined ? undefined : 'us-east-1')
  return {
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Waiting for 100-continue costs a round trip and a connection of its own.
    expectContinueHeader: false,
    followRegionRedirects: endpoint === undefined,
    forcePathStyle: settings.pathStyle ?? endpoint !== undefined,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    // The logger: the SDK would warn on the console of credentials in the environment that it passes over.
    ...(settings.profile === undefined ? {} : { profile: settings.profile, logger: SILENT }),
    ...(settings.credentials === undefined ? {} : { credentials: identityOf(settings.credentials) }),
  }
}

function identityOf({
  accessKeyId,
  secretAccessKey,
  sessionToken,
}: S3Credentials): NonNullable<S3ClientConfig['credentials']> {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}

/** Lets a connection go after some minutes, so that load follows the store's changing addresses. */
function ageLimited<A extends HttpAgent>(agent: A, runtime: Runtime): A {
  const firstKeptMs = new WeakMap<object, number>()
  const keep = agent.keepSocketAlive.bind(agent) as (socket: object) => unknown
  const keepYoung = (socket: object): unknown => {
    const nowMs = runtime.monotonicMs()
    const sinceMs = firstKeptMs.get(socket) ?? nowMs
    firstKeptMs.set(socket, sinceMs)
    return nowMs - sinceMs < MAX_CONNECTION_AGE_MS && keep(socket)
  }
  return Object.assign(agent, { keepSocketAlive: keepYoung })
}

/** Makes a client without the SDK's process warning about the end of Node 20; the variable is as before afterwards. */
function withoutNodeNote(create: () => S3Client): S3Client {
  const before = process.env[NODE_NOTE_SWITCH]
  process.env[NODE_NOTE_SWITCH] = 'true'
  try {
    return create()
  } finally {
    if (before === undefined) delete process.env[NODE_NOTE_SWITCH]
    else process.env[NODE_NOTE_SWITCH] = before
  }
}

function ignore(): void {}
