"""Answers of the batch endpoint, item by item."""

from typing import Final

from samples.rows import (
    FAMILY,
    KOALA,
    NAMELESS,
    RESTFB,
    BatchSample,
    ExpectedItem,
    ExpectedMeter,
    ExpectedUsage,
    Origin,
)

BATCH: Final[tuple[BatchSample, ...]] = (
    BatchSample(
        file="batch/302-without-body.json",
        origin=Origin.FIXTURE,
        source=KOALA + "fixtures/mock_facebook_responses.yml",
        shape="batch/koala-batch-302-no-body",
        note="No body member at all.",
        items=(ExpectedItem(status=302, body="none"),),
    ),
    BatchSample(
        file="batch/empty-listing.json",
        origin=Origin.FIXTURE,
        source=KOALA + "fixtures/mock_facebook_responses.yml",
        shape="batch/koala-batch-empty-listing",
        items=(
            ExpectedItem(status=200, body="object", id="771"),
            ExpectedItem(status=200, body="listing"),
        ),
    ),
    BatchSample(
        file="batch/error-then-null.json",
        origin=Origin.FIXTURE,
        source=KOALA + "fixtures/mock_facebook_responses.yml",
        shape="batch/koala-batch-error-then-null",
        note="An error without a code; the call that depended on it was not made.",
        items=(
            ExpectedItem(status=400, body="error", error="GraphError"),
            ExpectedItem(null=True),
        ),
    ),
    BatchSample(
        file="batch/null-first.json",
        origin=Origin.FIXTURE,
        source=KOALA + "fixtures/mock_facebook_responses.yml",
        shape="batch/koala-batch-null-first",
        note="Null may also be an answer left out on success.",
        items=(
            ExpectedItem(null=True),
            ExpectedItem(status=200, body="object", id="772"),
        ),
    ),
    BatchSample(
        file="batch/bodies-already-decoded.json",
        origin=Origin.FIXTURE,
        source="bottenderjs/messaging-apis@39fef4af57ef:packages/facebook-batch/src/__tests__/FacebookBatchQueue.spec.ts",
        shape="batch/messagingapis-batch-613",
        note=(
            "Bodies are objects, decoded by some client; the errors hold a message and nothing else: "
            "the number in front of it is the code."
        ),
        items=(
            ExpectedItem(status=400, body="error", error="RequestRejected", decoded=True),
            ExpectedItem(status=400, body="error", error="RateLimited", pool="inbox", decoded=True),
        ),
    ),
    BatchSample(
        file="batch/error-then-ok-escaped.json",
        origin=Origin.RECORDED,
        source=RESTFB + "batch/batch-first-error.json",
        version="v2.3",
        shape="batch/restfb-batch-first-error",
        note=(
            "Escapes inside escapes: slashes are escaped in the body, and again in the envelope. "
            "Usage headers sit inside the items."
        ),
        items=(
            ExpectedItem(
                status=400,
                body="error",
                error="RequestRejected",
                app=ExpectedMeter(call_count=3, total_cputime=1, total_time=2),
            ),
            ExpectedItem(
                status=200, body="object", id="556677", app=ExpectedMeter(call_count=3, total_cputime=1, total_time=2)
            ),
        ),
    ),
    BatchSample(
        file="batch/two-ok-with-headers.json",
        origin=Origin.RECORDED,
        source=RESTFB + "batch/batch-simple.json",
        version="v2.3",
        shape="batch/restfb-batch-simple",
        items=(
            ExpectedItem(
                status=200, body="object", id="556677", app=ExpectedMeter(call_count=3, total_cputime=1, total_time=2)
            ),
            ExpectedItem(
                status=200, body="object", id="5", app=ExpectedMeter(call_count=3, total_cputime=1, total_time=2)
            ),
        ),
    ),
    BatchSample(
        file="batch/body-true.json",
        origin=Origin.DESCRIBED,
        source=NAMELESS,
        shape="batch body true, versions differ",
        note="A body of the text true; the items were served by different versions.",
        items=(
            ExpectedItem(status=200, body="true"),
            ExpectedItem(status=200, body="object", id="773"),
        ),
    ),
    BatchSample(
        file="batch/listings-of-three-pages.json",
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="Many Pages in one call: each item has its own fate. Never captured.",
        items=(
            ExpectedItem(
                status=200,
                body="listing",
                usage=(
                    ExpectedUsage(
                        pool="messenger",
                        id="822818662011641",
                        call_count=8,
                        total_cputime=1,
                        total_time=1,
                        regain_after=0,
                    ),
                ),
            ),
            ExpectedItem(
                status=400,
                body="error",
                error="RateLimited",
                pool="messenger",
                usage=(
                    ExpectedUsage(
                        pool="messenger", id="333", call_count=100, total_cputime=9, total_time=9, regain_after=720
                    ),
                ),
            ),
            ExpectedItem(status=400, body="error", error="TokenRejected"),
            ExpectedItem(null=True),
            ExpectedItem(status=500, body="empty", error="GraphUnavailable"),
        ),
    ),
    BatchSample(
        file="batch/304-with-null-body.json",
        origin=Origin.DOCUMENTED,
        source="contract 6.4",
        items=(ExpectedItem(status=304, body="none"),),
    ),
    BatchSample(
        file="batch/body-not-json.json",
        origin=Origin.IMAGINED,
        source=FAMILY,
        items=(
            ExpectedItem(status=200, body="unreadable", error="GraphUnavailable"),
            ExpectedItem(status=500, body="unreadable", error="GraphUnavailable"),
        ),
    ),
    BatchSample(file="batch/none.json", origin=Origin.IMAGINED, source=FAMILY),
)
