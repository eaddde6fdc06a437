"""A Lambda function in Python behind an SQS queue: it reads the JSON and needs no library of bullbridge."""

import json


def handler(event, context):
    failures = []
    failed_jobs = set()
    messages = [(record["messageId"], json.loads(record["body"])["detail"]) for record in event["Records"]]
    for message_id, detail in sorted(messages, key=lambda message: place_of(message[1])):
        job = (detail["queue"], detail.get("jobId"))
        try:
            if job in failed_jobs:
                raise RuntimeError("an earlier event of this job failed")
            handle(detail)
        except Exception as error:
            print(f"event {detail['id']} failed: {error}")
            failed_jobs.add(job)
            failures.append({"itemIdentifier": message_id})
    return {"batchItemFailures": failures}


def place_of(detail):
    """The order is by the numbers of the stream id; a recovered event has no stream id."""
    milliseconds, number = detail.get("streamId", f"{detail['timestamp']}-{2**64}").split("-")
    return int(milliseconds), int(number)


def handle(detail):
    if detail["version"] != "1":
        raise RuntimeError(f"version {detail['version']} is not known")
    if detail.get("event") == "completed":
        print(f"job {detail['jobId']} of {detail['queue']} returned {json.dumps(detail.get('returnvalue'))}")
    if detail.get("event") == "failed":
        print(f"job {detail['jobId']} of {detail['queue']} failed: {detail['failedReason']}")
