/**
 * The kind of a verdict on an entry, or on a request that failed as a whole.
 *
 * `throttled`: send it again, with fewer concurrent requests. `failed`: send it again. `refused`: the entry is faulty,
 * so it is parked; a request that is refused as a whole is sent in halves. `denied` and `missing`: an operator must fix
 * it, so the run fails. `unknown`: the code of the entry is not in the table; it is sent again, and parked if it still
 * fails while the bus accepts others.
 */
export type Kind = 'accepted' | 'unknown' | 'throttled' | 'failed' | 'refused' | 'denied' | 'missing';

/** Codes for which an entry is parked at once; docs/errors.ts has what they mean. */
export const REFUSED = [
  // https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
  'InvalidArgument',
  'MalformedDetail',
  'RedactionFailure',
  // https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html
  'RequestEntityTooLargeException',
  'ValidationError',
  // https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html, for a request that the service cannot read or that
  // violates a constraint
  'SerializationException',
  'ValidationException',
] as const;

const CODES: Readonly<Record<Exclude<Kind, 'accepted' | 'unknown'>, readonly string[]>> = {
  refused: [
    ...REFUSED,
    // Codes of S3. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    'AuthorizationHeaderMalformed',
    'EntityTooLarge',
    'InvalidRequest',
    'KeyTooLongError',
    'PermanentRedirect',
  ],
  denied: [
    // https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
    'AccessDeniedException',
    'InvalidAccountIdException',
    'NotAuthorizedForSourceException',
    'NotAuthorizedForDetailTypeException',
    // https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html
    'ExpiredTokenException',
    'IncompleteSignature',
    'InvalidClientTokenId',
    'MissingAuthenticationToken',
    'NotAuthorized',
    'OptInRequired',
    'UnrecognizedClientException',
    // The answers of services to a signature with a wrong key.
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
    'IncompleteSignatureException',
    'InvalidSignatureException',
    'MissingAuthenticationTokenException',
    'SignatureDoesNotMatch',
    // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    'AccessDenied',
    'AllAccessDisabled',
    'ExpiredToken',
    'InvalidAccessKeyId',
    'InvalidToken',
    // Errors of the SDK without credentials.
    // https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/setting-credentials-node.html
    'CredentialsProviderError',
    'TokenProviderError',
  ],
  missing: [
    // For a deleted bus. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeEventBus.html
    'ResourceNotFoundException',
    'NoSuchBucket',
  ],
  throttled: [
    // https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html, and the codes of other services:
    // https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    'ThrottlingException',
    'BandwidthLimitExceeded',
    'LimitExceededException',
    'RequestLimitExceeded',
    'RequestThrottled',
    'RequestThrottledException',
    'SlowDown',
    'ThrottledException',
    'Throttling',
    'TooManyRequestsException',
  ],
  failed: [
    // https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
    'InternalFailure',
    // https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
    'InternalException',
    // https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html. The answer corrects a clock that is
    // wrong.
    'InvalidAction',
    'MalformedHttpRequestException',
    'RequestAbortedException',
    'RequestExpired',
    'RequestTimeoutException',
    'ServiceUnavailable',
    'UnknownOperationException',
  ],
};

const KINDS: ReadonlyMap<string, Kind> = new Map(
  Object.entries(CODES).flatMap(([kind, codes]) => codes.map((code) => [code, kind as Kind] as const)),
);

/** The kinds of statuses, for answers with an unknown code. https://www.rfc-editor.org/rfc/rfc9110 */
const STATUSES: ReadonlyMap<number | undefined, Kind> = new Map([
  [401, 'denied'],
  [403, 'denied'],
  [407, 'denied'],
  [413, 'refused'],
  [429, 'throttled'],
]);

/** The kind of the code of an entry. */
export function kindOfEntry(code: string): Kind {
  return KINDS.get(code) ?? 'unknown';
}

/** The kind of a request that failed as a whole. An unknown code and status do not count against its entries. */
export function kindOfFailure(code: string, status: number | undefined): Kind {
  return KINDS.get(code) ?? STATUSES.get(status) ?? 'failed';
}
