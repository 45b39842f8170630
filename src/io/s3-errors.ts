/** What a failed S3 request means: first as a plain `S3Failure`, then as one of FileIO's errors. */
import {
  ForbiddenError,
  type IcebergError,
  messageOf,
  NotFoundError,
  ServiceError,
  UnauthorizedError,
  UnsupportedError,
  ValidationError,
} from '../base/errors.ts'

/** A request without a good answer. `status` is undefined where no answer came. */
export interface S3Failure {
  readonly status: number | undefined
  /** S3's error code (`NoSuchKey`), the system's (`ECONNRESET`), or the name of the error. */
  readonly code: string
  readonly cause: unknown
}

/** What the messages need to know of the request. */
export interface FailedRequest {
  readonly location: string
  readonly bucket: string
  /** URL, or "AWS S3". */
  readonly endpoint: string
  readonly accessKeyId: string | undefined
  /** Of the AWS config files, where one is named. */
  readonly profile: string | undefined
}

const WRONG_CREDENTIALS = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
  'AuthorizationHeaderMalformed',
])
const NO_CREDENTIALS = new Set(['CredentialsProviderError', 'TokenProviderError'])
const OUT_OF_SPACE = new Set([
  'XMinioStorageFull',
  'InsufficientStorage',
  'QuotaExceeded',
  'XMinioAdminBucketQuotaExceeded',
])
/** Errors by which no connection came about. */
const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'])
/** Errors in 4xx that the next try may not meet; a skewed clock is corrected by the SDK after the first answer. */
const TRANSIENT_CODES = new Set([
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'OperationAborted',
  'ConditionalRequestConflict',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'RequestLimitExceeded',
])

export function describeFailure(error: unknown, status: number | undefined): S3Failure {
  return { status, code: codeOf(error), cause: withoutAnswer(error) }
}

/** What the body of a refusal says: S3's code as the error's name. A refused HEAD has no body, only its status. */
export function answeredError(status: number, xml: string): Error {
  const textOf = (tag: string): string | undefined => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1]
  const name = textOf('Code') ?? (status === 404 ? 'NotFound' : `Status${status}`)
  const message = textOf('Message')?.replaceAll(/&(?:#(\d+)|(\w+));/g, unescapeXml) ?? `the store answered ${status}`
  return Object.assign(new Error(message), { name })
}

const XML_ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function unescapeXml(escape: string, code: string | undefined, name: string): string {
  return code === undefined ? (XML_ENTITIES[name] ?? escape) : String.fromCodePoint(Number(code))
}

/** The SDK hangs the raw answer on its errors, sockets, signature and all: as a cause it would flood every log. */
function withoutAnswer(error: unknown): unknown {
  if (!(error instanceof Error) || !('$response' in error)) return error
  const { name, message, stack } = error
  return Object.assign(new Error(message), { name, stack })
}

/** Whether the same request may succeed later. */
function isRetryable({ status, code }: S3Failure): boolean {
  if (TRANSIENT_CODES.has(code)) return true
  if (OUT_OF_SPACE.has(code)) return false
  if (status === undefined) return !NO_CREDENTIALS.has(code) && code !== 'ENOTFOUND' && !isCertificateError(code)
  // A good status with a failure is a body that broke off.
  return status < 300 || status === 408 || status === 409 || status === 429 || (status >= 500 && status !== 501)
}

/** Whether the request was never sent, or surely refused: it can't have changed anything, and won't. */
export function isDefinite(failure: S3Failure): boolean {
  const { status, code } = failure
  if (status === undefined) return NO_CREDENTIALS.has(code) || isConfigurationError(failure)
  return status === 501 || (status >= 300 && status < 500 && !isRetryable(failure))
}

export function s3Error(failure: S3Failure, request: FailedRequest): IcebergError {
  const { status, code, cause } = failure
  const { location, bucket, endpoint } = request
  const options = { context: { location, status, code, endpoint }, cause }
  if (NO_CREDENTIALS.has(code)) {
    const advice =
      request.profile === undefined
        ? 'no S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE'
        : `no S3 credentials by the AWS profile "${request.profile}": check that it is in the AWS config files`
    return new UnauthorizedError(`${advice} (${messageOf(cause)})`, options)
  }
  if (isConfigurationError(failure)) {
    const found =
      request.profile === undefined
        ? ''
        : `: the AWS profile "${request.profile}" is not in the AWS config files, or names none`
    return new ValidationError(
      `no region for S3${found}: set AWS_REGION, or AWS_ENDPOINT_URL_S3 for a store other than AWS`,
      options,
    )
  }
  if (status === undefined || status < 300) return connectionError(failure, request)
  if (code === 'NoSuchBucket') {
    return new NotFoundError(`no bucket "${bucket}" at ${endpoint}: create it, or check the location`, options)
  }
  if (WRONG_CREDENTIALS.has(code) || status === 401) {
    return new UnauthorizedError(`${endpoint} refuses the credentials (${code}): ${adviceFor(code, request)}`, options)
  }
  if (OUT_OF_SPACE.has(code) || status === 507) {
    return new ServiceError(`${endpoint} is out of space (${code}): free some, or raise the quota`, {
      ...options,
      retryable: false,
    })
  }
  const retryable = isRetryable(failure)
  if (status === 404) return new NotFoundError(`${location} does not exist`, options)
  if (status === 403 && !retryable) {
    const why = 'the credentials lack the permission, or are wrong where the store does not say'
    return new ForbiddenError(`${endpoint} refuses access to ${location} (${code}): ${why}`, options)
  }
  if (status === 501)
    return new UnsupportedError(`${endpoint} does not support this request (${messageOf(cause)})`, options)
  if (status >= 300 && status < 400) {
    const advice = `bucket "${bucket}" is in another region: set AWS_REGION to it`
    return new ValidationError(`${endpoint} redirects (${code}): ${advice}`, options)
  }
  const how = retryable ? 'try again later' : 'the request is not accepted'
  return new ServiceError(`${endpoint} failed with ${status} ${code} at ${location}: ${how}`, { ...options, retryable })
}

function connectionError(failure: S3Failure, request: FailedRequest): ServiceError {
  const { code, cause } = failure
  const { location, endpoint } = request
  const options = { context: { location, code, endpoint }, cause, retryable: isRetryable(failure) }
  if (UNREACHABLE.has(code)) {
    return new ServiceError(
      `nothing answers at ${endpoint} (${code}): start the store, or set AWS_ENDPOINT_URL_S3 to where it runs`,
      options,
    )
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const host = cause instanceof Error && 'hostname' in cause ? String(cause.hostname) : endpoint
    return new ServiceError(
      `no host ${host} (${code}): check AWS_ENDPOINT_URL_S3, AWS_REGION, the bucket's name and the network`,
      options,
    )
  }
  if (code === 'TimeoutError')
    return new ServiceError(`${endpoint} did not answer in time: ${messageOf(cause)}`, options)
  if (code === 'EPROTO')
    return new ServiceError(`${endpoint} does not speak TLS (EPROTO): is it an http:// endpoint?`, options)
  if (isCertificateError(code)) {
    return new ServiceError(
      `${endpoint} shows a certificate that is not trusted (${code}): set NODE_EXTRA_CA_CERTS to its authority's`,
      options,
    )
  }
  return new ServiceError(`the connection to ${endpoint} failed (${code}): ${messageOf(cause)}`, options)
}

function adviceFor(code: string, { accessKeyId }: FailedRequest): string {
  switch (code) {
    case 'InvalidAccessKeyId':
      return `it does not know the access key${accessKeyId === undefined ? '' : ` "${accessKeyId}"`}, check AWS_ACCESS_KEY_ID`
    case 'SignatureDoesNotMatch':
      return 'check AWS_SECRET_ACCESS_KEY'
    case 'ExpiredToken':
    case 'InvalidToken':
    case 'TokenRefreshRequired':
      return 'get new session credentials (AWS_SESSION_TOKEN)'
    case 'AuthorizationHeaderMalformed':
      return 'check AWS_REGION and AWS_ACCESS_KEY_ID'
    default:
      return 'check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.name === 'AggregateError' || error.name === 'Error' ? causeCode(error) : error.name
}

function causeCode(error: Error): string {
  return error.cause instanceof Error ? codeOf(error.cause) : error.name
}

function isCertificateError(code: string): boolean {
  return /^(?:ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code)
}

/** The SDK found no region: it says so by message alone. */
function isConfigurationError({ status, cause }: S3Failure): boolean {
  return status === undefined && cause instanceof Error && /region is missing/i.test(cause.message)
}
