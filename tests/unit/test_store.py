"""What a library says of an object store, in our own words. The messages are those of obstore, deltalake and Polars."""

import pytest

from compute.errors import PermanentError, TransientError
from storage.bucket import Bucket
from storage.errors import StoreAway, StoreRefused

BUCKET = Bucket("s3://lake/x")
NON_2XX = "Error performing GET https://s3.example/lake/x in 1 ms - Server returned non-2xx status code: "
PAINTED = (
    "Error performing PUT https://s3.example/lake in 1 ms - Server returned non-2xx status code\n  \x1b[31m↳\x1b[0m "
)


def body(code: str) -> str:
    return f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>…</Message><AWSAccessKeyId>AKID</AWSAccessKeyId></Error>'


@pytest.mark.parametrize(
    ("message", "kind", "sentence"),
    [
        (NON_2XX + "403 Forbidden: " + body("SignatureDoesNotMatch"), StoreRefused, "the secret is another"),
        (PAINTED + "403 Forbidden\n" + body("InvalidAccessKeyId"), StoreRefused, "it does not know the key"),
        (NON_2XX + "403 Forbidden: ", StoreRefused, "the key has no right to it"),
        (PAINTED + "404 Not Found\n" + body("NoSuchBucket"), StoreRefused, "there is no such bucket"),
        ("Error performing GET https://s3.example/lake in 1 ms - Received redirect without LOCATION, this normally "
         "indicates an incorrectly configured region", StoreRefused, "the bucket is in another region"),
        (NON_2XX + "400 Bad Request: " + body("AuthorizationHeaderMalformed"), StoreRefused, "correct AWS_REGION"),
        (NON_2XX + "400 Bad Request: " + body("ExpiredToken"), StoreRefused, "the session token has expired"),
        (NON_2XX + "400 Bad Request: " + body("KeyTooLongError"), StoreRefused, "it says KeyTooLongError"),
        (NON_2XX + "503 Slow Down: " + body("SlowDown"), StoreAway, r"does not answer \(SlowDown\)"),
        (NON_2XX + "500 Internal Server Error: ", StoreAway, r"at https://s3.example does not answer \(500\)"),
        ("Error performing GET http://s3.example/x - HTTP error: error sending request", StoreAway, r"\(no answer\)"),
        ("Error performing GET http://s3.example/x - HTTP error: error sending request, TimedOut; operation timed out",
         StoreAway, r"\(no answer in time\)"),
        ("Error performing PUT http://169.254.169.254/latest/api/token - status code: 403", StoreRefused, "nobody is named"),
        # What is the answer to a question, and no fault of anybody's.
        (NON_2XX + "404 Not Found: " + body("NoSuchKey"), None, ""),
        (NON_2XX + "404 Not Found: ", None, ""),
        (NON_2XX + "412 Precondition Failed: " + body("PreconditionFailed"), None, ""),
        (NON_2XX + "409 Conflict: " + body("ConditionalRequestConflict"), None, ""),
        ("Failed to commit transaction: 0", None, ""),
    ],
)  # fmt: skip
def test_an_answer_of_a_store_is_one_sentence_with_a_remedy(message: str, kind: type | None, sentence: str) -> None:
    said = BUCKET.said(OSError(message))

    assert kind is (type(said) if said else None)
    if said:
        with pytest.raises(kind or Exception, match=sentence):
            raise said
        assert "AKID" not in str(said)
        assert isinstance(said, TransientError if kind is StoreAway else PermanentError)
