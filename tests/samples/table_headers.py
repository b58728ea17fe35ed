"""Headers of answers and the usage a right client reads in them."""

from typing import Final

from samples.rows import (
    FAMILY,
    IG_POSTMAN,
    INSTAGRAM,
    KOALA,
    MESSENGER,
    NAMELESS,
    PYFACEBOOK,
    ExpectedMeter,
    ExpectedUsage,
    HeadersSample,
    Origin,
)

HEADERS: Final[tuple[HeadersSample, ...]] = (
    HeadersSample(
        file="headers/batch-item-v23.json",
        origin=Origin.RECORDED,
        source=NAMELESS + " (python comment)",
        version="v23.0 (2025)",
        shape="headers/batchsub-v23-headers",
        note="Headers of one item of a batch.",
        usage=(
            ExpectedUsage(
                pool="ads_insights", id="448120733", call_count=2, total_cputime=3, total_time=4, regain_after=0
            ),
        ),
    ),
    HeadersSample(
        file="headers/ordinary-200-no-usage.json",
        origin=Origin.RECORDED,
        source="https://github.com/jgorset/facebook-messenger/issues/127",
        version="v2.11 (2018)",
        shape="headers/fbmessenger127-no-usage-headers",
        note="Values are lists; no usage header is the ordinary case.",
    ),
    HeadersSample(
        file="headers/buc-masked-id.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source="https://github.com/jgorset/facebook-messenger/pull/275",
        version="2022",
        shape="headers/fbmessenger275-buc-messenger",
        note="Who reported it masked the id: no id of ours, and its numbers count.",
        usage=(ExpectedUsage(pool="messenger", id="", call_count=2, total_cputime=1, total_time=3, regain_after=0),),
    ),
    HeadersSample(
        file="headers/pages-15-minutes.json",
        origin=Origin.FIXTURE,
        source=NAMELESS + " (Go test, sent with HTTP 429 and code 80001)",
        shape="headers/goclient-429-pages-15min",
        note="Minutes on the wire, seconds with us; PAGE7 is no id.",
        usage=(
            ExpectedUsage(pool="pages", id="", call_count=100, total_cputime=100, total_time=100, regain_after=900),
        ),
    ),
    HeadersSample(
        file="headers/two-pools-one-id.json",
        origin=Origin.FIXTURE,
        source=NAMELESS + " (Go test)",
        shape="headers/goclient-two-pools-one-id",
        usage=(
            ExpectedUsage(pool="pages", id="222", call_count=96, total_cputime=21, total_time=44, regain_after=0),
            ExpectedUsage(pool="messenger", id="222", call_count=13, total_cputime=91, total_time=2, regain_after=480),
        ),
    ),
    HeadersSample(
        file="headers/ig-403-with-unicode.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=NAMELESS,
        version="v25.0 (2026)",
        shape="headers/hypecrm-ig-403-headers",
        note="Non-ASCII in a header; call_volume and cpu_time are Instagram's names.",
        app=ExpectedMeter(call_count=3, total_cputime=1),
    ),
    HeadersSample(
        file="headers/ad-account-only.json",
        origin=Origin.FIXTURE,
        source=KOALA + "cases/api_spec.rb",
        shape="headers/koala-ad-account-usage",
        note="An ads header: nothing of ours.",
    ),
    HeadersSample(
        file="headers/buc-messenger.json",
        platform=MESSENGER,
        origin=Origin.FIXTURE,
        source=KOALA + "cases/api_spec.rb",
        shape="headers/koala-buc-messenger",
        usage=(
            ExpectedUsage(
                pool="messenger", id="234567890123456", call_count=4, total_cputime=5, total_time=6, regain_after=0
            ),
        ),
    ),
    HeadersSample(
        file="headers/app-usage.json",
        origin=Origin.RECORDED,
        source=NAMELESS + ' (vitest file stating "exact header values returned by the live Graph API on 21 Sep 2026")',
        version="v25.0 (2026-09-21)",
        shape="headers/measured-app-usage",
        app=ExpectedMeter(call_count=17, total_cputime=0, total_time=2),
    ),
    HeadersSample(
        file="headers/listing-messenger-pool.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=NAMELESS + ' (vitest file stating "exact header values returned by the live Graph API on 21 Sep 2026")',
        version="v25.0 (2026-09-21)",
        shape="headers/measured-conversations-messenger-pool",
        note="GET /{page}/conversations is counted in the messenger pool under the Page's id.",
        usage=(
            ExpectedUsage(
                pool="messenger", id="822818662011641", call_count=1, total_cputime=2, total_time=1, regain_after=0
            ),
        ),
    ),
    HeadersSample(
        file="headers/page-node-pages-pool.json",
        origin=Origin.RECORDED,
        source=NAMELESS + ' (vitest file stating "exact header values returned by the live Graph API on 21 Sep 2026")',
        version="v25.0 (2026-09-21)",
        shape="headers/measured-page-node-pages-pool",
        note="GET /{page} with the same token: another pool.",
        usage=(
            ExpectedUsage(
                pool="pages", id="822818662011641", call_count=0, total_cputime=0, total_time=0, regain_after=0
            ),
        ),
    ),
    HeadersSample(
        file="headers/documented-duplicate-key.json",
        origin=Origin.DOCUMENTED,
        source="https://developers.facebook.com/docs/graph-api/overview/rate-limiting",
        shape="headers/metadoc-buc-sample-duplicate-key",
        note="The documents repeat a key: JSON parsers keep the last, a right client reads every entry. "
        "The first has placeholders for its id and type.",
        usage=(
            ExpectedUsage(
                pool="unknown",
                id="",
                call_count=100,
                total_cputime=26,
                total_time=27,
                regain_after=1260,
            ),
            ExpectedUsage(
                pool="ads_management", id="77001122", call_count=94, total_cputime=18, total_time=19, regain_after=0
            ),
            ExpectedUsage(
                pool="ads_insights",
                id="10299000111222333",
                call_count=98,
                total_cputime=22,
                total_time=24,
                regain_after=0,
            ),
            ExpectedUsage(
                pool="pages", id="10299000111222333", call_count=98, total_cputime=22, total_time=24, regain_after=0
            ),
        ),
    ),
    HeadersSample(
        file="headers/ig-login-listing.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=IG_POSTMAN,
        version="v23.0 (2025-09-04)",
        shape="headers/postman-ig-login-conversations-headers",
        note=(
            "Vary comes twice: headers are a list of pairs. No business header; "
            "instagram-api-version instead of facebook-api-version."
        ),
        app=ExpectedMeter(call_count=0, total_cputime=0),
    ),
    HeadersSample(
        file="headers/ig-login-user-id-lookup.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=IG_POSTMAN,
        version="v23.0 (2025-09-04)",
        shape="headers/postman-ig-login-conversations-user-id-headers",
        note="Not compressed.",
        app=ExpectedMeter(call_count=0, total_cputime=0),
    ),
    HeadersSample(
        file="headers/ig-login-thread-messages.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=IG_POSTMAN,
        version="v23.0 (2025-09-04)",
        shape="headers/postman-ig-login-thread-messages-headers",
        note="x-fb-trace-id holds a slash.",
        app=ExpectedMeter(call_count=0, total_cputime=0),
    ),
    HeadersSample(
        file="headers/app-usage-near-limit.json",
        origin=Origin.FIXTURE,
        source=PYFACEBOOK + "tests/test_ratelimit.py",
        shape="headers/pyfacebook-app-usage-91",
        app=ExpectedMeter(call_count=93, total_cputime=14, total_time=11),
    ),
    HeadersSample(
        file="headers/pages-with-ads-tier.json",
        origin=Origin.RECORDED,
        source=PYFACEBOOK + "tests/test_ratelimit.py",
        version="2020s",
        shape="headers/pyfacebook-buc-pages-tier",
        usage=(
            ExpectedUsage(
                pool="pages", id="223344556677889", call_count=3, total_cputime=2, total_time=1, regain_after=0
            ),
        ),
    ),
    HeadersSample(
        file="headers/page-usage-2018.json",
        origin=Origin.RECORDED,
        source="facebookarchive/php-graph-sdk issue 634",
        version="before v3.3",
        shape="x-page-usage",
        note="The Page limit before the business header.",
        page=ExpectedMeter(call_count=81, total_cputime=52, total_time=58),
    ),
    HeadersSample(
        file="headers/ig-read-under-two-ids.json",
        platform=INSTAGRAM,
        origin=Origin.DESCRIBED,
        source=NAMELESS,
        shape="one IG read under two ids",
        note="One read, two pools under two ids: read every entry.",
        usage=(
            ExpectedUsage(
                pool="messenger", id="822818662011641", call_count=4, total_cputime=3, total_time=2, regain_after=0
            ),
            ExpectedUsage(
                pool="instagram", id="17841666859660888", call_count=7, total_cputime=6, total_time=5, regain_after=0
            ),
        ),
    ),
    HeadersSample(
        file="headers/over-100-percent.json",
        origin=Origin.DESCRIBED,
        source=NAMELESS,
        shape="percentages over 100",
        usage=(
            ExpectedUsage(
                pool="messenger",
                id="822818662011641",
                call_count=855,
                total_cputime=104,
                total_time=911,
                regain_after=1860,
            ),
        ),
        app=ExpectedMeter(call_count=911, total_cputime=140, total_time=855),
    ),
    HeadersSample(
        file="headers/hostile-bare-object.json",
        origin=Origin.FIXTURE,
        source=NAMELESS,
        shape="bare_object",
        note="An entry where a map of ids is usual: no id, so no usage, and no crash.",
    ),
    HeadersSample(file="headers/hostile-array.json", origin=Origin.FIXTURE, source=NAMELESS, shape="array"),
    HeadersSample(
        file="headers/hostile-null-inside.json",
        origin=Origin.FIXTURE,
        source=NAMELESS,
        shape="null_inside",
        note="What can be read is read; null is unsaid.",
        usage=(ExpectedUsage(pool="messenger", id="901", call_count=41, total_time=7, regain_after=120),),
    ),
    HeadersSample(
        file="headers/hostile-not-json.json",
        origin=Origin.FIXTURE,
        source=NAMELESS,
        shape="not_json",
        note="A header that does not parse is ignored.",
    ),
    HeadersSample(
        file="headers/hostile-string-percentage.json",
        origin=Origin.FIXTURE,
        source=NAMELESS,
        shape="string_percentage",
        note="Numbers in quotes are numbers.",
        usage=(
            ExpectedUsage(pool="messenger", id="902", call_count=64, total_cputime=3, total_time=2, regain_after=240),
        ),
        app=ExpectedMeter(call_count=9, total_cputime=8, total_time=7),
    ),
    HeadersSample(
        file="headers/missing-members.json",
        origin=Origin.DOCUMENTED,
        source="contract 10",
        note="A member not sent is unsaid.",
        usage=(
            ExpectedUsage(pool="messenger", id="822818662011641", call_count=12),
            ExpectedUsage(pool="instagram", id="17841666859660888"),
        ),
        app=ExpectedMeter(call_count=5),
    ),
    HeadersSample(
        file="headers/float-percentages.json",
        origin=Origin.IMAGINED,
        source=FAMILY,
        usage=(
            ExpectedUsage(
                pool="messenger",
                id="822818662011641",
                call_count=74.5,
                total_cputime=0.25,
                total_time=3.0,
                regain_after=30,
            ),
        ),
    ),
    HeadersSample(
        file="headers/entry-without-type.json",
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="An entry that names no pool counts all the same: some pool of that id is half full.",
        usage=(
            ExpectedUsage(
                pool="unknown", id="822818662011641", call_count=50, total_cputime=1, total_time=1, regain_after=0
            ),
            ExpectedUsage(
                pool="messenger", id="822818662011641", call_count=20, total_cputime=1, total_time=1, regain_after=0
            ),
        ),
    ),
    HeadersSample(
        file="headers/unknown-type-and-member.json",
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="A new pool is kept under its name; a new member hurts nobody.",
        usage=(
            ExpectedUsage(
                pool="carrier_pigeon",
                id="822818662011641",
                call_count=9,
                total_cputime=8,
                total_time=7,
                regain_after=360,
            ),
        ),
    ),
    HeadersSample(
        file="headers/not-blocked-at-95.json",
        platform=MESSENGER,
        origin=Origin.DOCUMENTED,
        source="contract 4.2",
        note="0 minutes at 95 % is not healthy.",
        usage=(
            ExpectedUsage(
                pool="messenger", id="822818662011641", call_count=95, total_cputime=97, total_time=96, regain_after=0
            ),
        ),
    ),
    HeadersSample(
        file="headers/retry-after-seconds.json",
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="No capture of it on this API exists: honoured where it comes, never awaited.",
        retry_after=120.0,
    ),
    HeadersSample(file="headers/empty-values.json", origin=Origin.IMAGINED, source=FAMILY),
    HeadersSample(file="headers/none-at-all.json", origin=Origin.IMAGINED, source=FAMILY),
)
