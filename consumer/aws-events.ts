/** An event as EventBridge sends it to the target of a rule; only the fields that are used here. */
export interface EventBridgeEvent<Detail = unknown> {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: Detail;
}

/** A message of SQS as Lambda passes it to a function; only the fields that are used here. */
export interface SQSRecord {
  readonly messageId: string;
  readonly body: string;
  readonly eventSourceARN?: string;
  readonly attributes?: { readonly MessageGroupId?: string };
}

/** The input of a Lambda function behind an SQS queue. */
export interface SQSEvent {
  readonly Records: readonly SQSRecord[];
}

/**
 * The result of a Lambda function behind an SQS queue: SQS delivers these messages again, and deletes the others.
 *
 * The event source mapping needs `FunctionResponseTypes: ["ReportBatchItemFailures"]`: without it Lambda deletes all
 * messages. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export interface SQSBatchResponse {
  batchItemFailures: { itemIdentifier: string }[];
}
