"""Listings of the edge and what a right client says of each."""

from typing import Final

from samples.rows import (
    FAMILY,
    FB_GRAPH2,
    IG_GUIDE,
    IG_POSTMAN,
    INSTAGRAM,
    MESSENGER,
    NAMELESS,
    PYFACEBOOK,
    ExpectedThread,
    Origin,
    ThreadsSample,
)

THREADS: Final[tuple[ThreadsSample, ...]] = (
    ThreadsSample(
        file="threads/ig-login-default-fields.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=NAMELESS + " (test log)",
        version="v25.0 (2026-05-04)",
        shape="threads/dmpilot-ig-conversations",
        note="One item of Instagram Login, no paging key.",
        threads=(
            ExpectedThread(
                id="aWdfZAG06MzQwMjgyMzY2ODQxNzEwMzAxNTIzNzc4MjYwMjQxNjgzNTI0NDg1",
                updated_time="2026-03-11T09:47:31+00:00",
            ),
        ),
    ),
    ThreadsSample(
        file="threads/v2-time-paging-nested-messages.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=FB_GRAPH2 + "page/conversations.json",
        version="v2.0 (2015)",
        shape="threads/fbgraph2-page-conversations",
        note=(
            "Time paging: next and previous, no cursors, so there is more but no cursor to ask from. "
            "Raw \\u0040 and \\/ escapes. One e-mail holds another number than its id."
        ),
        threads=(
            ExpectedThread(
                id="t_mid.7286439063071:731a0ce76f67ca8980",
                updated_time="2015-05-19T08:21:14+00:00",
                message_count=3,
                messages=(
                    "m_mid.7430436912312:4d2c366eb5300ff4ea",
                    "m_mid.9400937206626:87cd1c32b3c4cb5abf",
                    "m_mid.7286439063071:731a0ce76f67ca8980",
                ),
                messages_more=True,
            ),
        ),
        more=True,
    ),
    ThreadsSample(
        file="threads/ig-scrambled-id.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=NAMELESS + " (API notes)",
        version="v18.0 (2024)",
        shape="threads/flyerdev-ig-conversations-v18",
        note="The id decodes to nothing: ids are opaque.",
        threads=(
            ExpectedThread(id="b7Krtq0DlmZx4NvcPwauqkIE9MuFjTHL2fFSsGWVAZZD", updated_time="2024-02-08T17:03:12+00:00"),
        ),
    ),
    ThreadsSample(
        file="threads/participants-without-email.json",
        platform=MESSENGER,
        origin=Origin.FIXTURE,
        source=NAMELESS + " (Go test)",
        version="2026",
        shape="threads/goclient-participants-no-email",
        threads=(
            ExpectedThread(
                id="thread-7",
                updated_time="2026-08-20T06:30:00+00:00",
                participants=(("310", "Shop"), ("420", "Visitor")),
            ),
        ),
    ),
    ThreadsSample(
        file="threads/empty-with-next-and-after.json",
        platform=MESSENGER,
        origin=Origin.FIXTURE,
        source=NAMELESS + " (Python test)",
        version="2026",
        shape="threads/historysync-empty-last-page-with-next",
        note="Presence of next says more, even where its value is no URL and data is empty.",
        after="k",
        more=True,
    ),
    ThreadsSample(
        file="threads/ig-login-default-fields-v24.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=NAMELESS + " (TSX comment)",
        version="v24.0 (2026)",
        shape="threads/igconsole-ig-conversations",
        threads=(
            ExpectedThread(
                id="aWdfZAG06MzQwMjgyMzY2ODQxNzEwMzAxMTU2NzM3MjE5NDk4OTI1MjM1MzAy",
                updated_time="2026-01-29T20:15:44+00:00",
            ),
        ),
    ),
    ThreadsSample(
        file="threads/documented-user-id-lookup.json",
        platform=INSTAGRAM,
        origin=Origin.DOCUMENTED,
        source=IG_GUIDE,
        version="v24.0",
        shape="threads/igdoc-conversations-user-id",
        note="Id only: no updated_time is no fault.",
        threads=(ExpectedThread(id="<THREAD_ID>"),),
    ),
    ThreadsSample(
        file="threads/documented-time-placeholder.json",
        platform=INSTAGRAM,
        origin=Origin.DOCUMENTED,
        source=IG_GUIDE,
        version="v24.0",
        shape="threads/igdoc-conversations",
        note="A placeholder is no moment: it reads as None, stays in extra, and the thread stays.",
        threads=(
            ExpectedThread(id="<THREAD_ID_A>", unread=("updated_time",)),
            ExpectedThread(id="<THREAD_ID_B>", unread=("updated_time",)),
        ),
    ),
    ThreadsSample(
        file="threads/empty-data-only.json",
        origin=Origin.RECORDED,
        source="https://github.com/facebook/facebook-java-business-sdk/issues/157",
        version="v3.0 (2018)",
        shape="threads/javasdk157-empty-next-page",
        note="A page reached through an after cursor: empty, no paging key.",
    ),
    ThreadsSample(
        file="threads/messenger-empty.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=NAMELESS + " (a live integration test report)",
        version="v23.0 (2026-07-07)",
        shape="threads/livetest-messenger-empty",
    ),
    ThreadsSample(
        file="threads/ig-long-ids-default-fields.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source="Ckster/MessageMate@c2751c8:MessageMate/InboxView.swift",
        version="v9.0 (2023)",
        shape="threads/messagemate-ig-conversations",
        threads=(
            ExpectedThread(
                id=(
                    "aWdfZAG06MTpJR01lc3NhZA2VUaHJlYWQ6MTc4NDE2NjY4NTk2NjA4ODg6MzQwMjgyMzY2ODQxNzEwMzAxMjIzMTAwMDI0MD"
                    "M4MjI0NjczMTQy"
                ),
                updated_time="2023-04-02T11:08:59+00:00",
            ),
            ExpectedThread(
                id=(
                    "aWdfZAG06MTpJR01lc3NhZA2VUaHJlYWQ6MTc4NDE2NjY4NTk2NjA4ODg6MzQwMjgyMzY2ODQxNzEwMzAxMzg4NjE2ODg2ND"
                    "cwMzM0OTIyOTk0"
                ),
                updated_time="2023-04-01T22:46:03+00:00",
            ),
        ),
    ),
    ThreadsSample(
        file="threads/ig-ids-only.json",
        platform=INSTAGRAM,
        origin=Origin.DOCUMENTED,
        source="https://developers.facebook.com/documentation/business-messaging/instagram-messaging/sample-experience",
        version="v9.0",
        shape="threads/metadoc-ig-ids-only",
        note="Trailing spaces before line ends, as documents have.",
        threads=(
            ExpectedThread(
                id=(
                    "aWdfZAG06MTpJR01lc3NhZA2VUaHJlYWQ6NjA5MzI2OTE0NzQzMDY6MzQwMjgyMzY2ODQxNzEwMzAxNDMwNDg0MjQ5MTI2ND"
                    "IxNDMwODEw"
                )
            ),
            ExpectedThread(
                id=(
                    "aWdfZAG06MTpJR01lc3NhZA2VUaHJlYWQ6Mzc2NzQzMTgxMTU3NDc6MzQwMjgyMzY2ODQxNzEwMzAxMzQzNjE0NzQxNTkyNj"
                    "g4Njg0MDMw"
                )
            ),
            ExpectedThread(
                id=(
                    "aWdfZAG06MTpJR01lc3NhZA2VUaHJlYWQ6ODg4MzY1NDg3NjI3MzA6MzQwMjgyMzY2ODQxNzEwMzAxNTMyMTAyMjAxMzczNz"
                    "MwNjM0NzQy"
                )
            ),
            ExpectedThread(
                id=(
                    "aWdfZAG06MTpJR01lc3NhZA2VUaHJlYWQ6NjQ3NjkwNDczNTUwMzc6MzQwMjgyMzY2ODQxNzEwMzAxNzgwMjc2MjUxNzUyNz"
                    "g4MzkwNzk5"
                )
            ),
        ),
    ),
    ThreadsSample(
        file="threads/ig-login-user-id-lookup.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=IG_POSTMAN,
        version="v23.0 (2025-09-04)",
        shape="threads/postman-ig-login-conversations-user-id",
        note="No paging key.",
        threads=(ExpectedThread(id="threadID1", updated_time="2025-06-14T07:12:50+00:00"),),
    ),
    ThreadsSample(
        file="threads/ig-login-after-only-with-next.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=IG_POSTMAN,
        version="v23.0 (2025-09-04)",
        shape="threads/postman-ig-login-conversations",
        note="Cursors hold after only; next is a masked word, not a URL.",
        threads=(
            ExpectedThread(id="threadId1", updated_time="2025-06-14T07:12:50+00:00"),
            ExpectedThread(id="threadId2", updated_time="2025-06-09T18:00:02+00:00"),
            ExpectedThread(id="threadId3", updated_time="2025-05-30T23:59:59+00:00"),
            ExpectedThread(id="threadId4", updated_time="2025-04-11T10:10:10+00:00"),
            ExpectedThread(id="threadId5", updated_time="2025-04-11T03:31:27+00:00"),
            ExpectedThread(id="threadId6", updated_time="2024-11-02T00:00:00+00:00"),
        ),
        after="maskedAfterCursor",
        more=True,
    ),
    ThreadsSample(
        file="threads/keyed-by-id.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=PYFACEBOOK + "testdata/facebook/apidata/conversations/cvses_info.json",
        version="v11.0 (2021)",
        shape="threads/pyfacebook-multi-ids-lookup",
        note="An ?ids= lookup: an object keyed by id. As a listing it is unreadable: there is no data.",
        threads=(
            ExpectedThread(
                id="t_99726327976379156",
                updated_time="2021-09-03T12:44:18+00:00",
                unread_count=2,
                message_count=31,
                link="/822818662011641/inbox/8668901119016590/",
                snippet="see you at nine",
            ),
            ExpectedThread(
                id="t_588640593903256",
                updated_time="2021-09-03T12:50:41+00:00",
                unread_count=0,
                message_count=4,
                link="/822818662011641/inbox/2430925428552494/",
                snippet="thx",
            ),
        ),
        unreadable="$.data",
        form="by_id",
    ),
    ThreadsSample(
        file="threads/ig-participants-no-updated-time.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=NAMELESS + " (notes md marked VERIFIED)",
        version="v21.0 (2025)",
        shape="threads/verifiedmd-ig-participants-v21",
        threads=(
            ExpectedThread(
                id="aWdfZAG06...",
                participants=(("17841666859660888", "l0nely_pine"), ("544205673406788", "quell.tobiah")),
            ),
        ),
    ),
    ThreadsSample(
        file="threads/v2-full-with-raw-escapes.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=NAMELESS,
        version="v2.x (2015)",
        shape="threads/botlibre-conversations-2015",
        note=(
            "unread_count absent when zero; CJK as \\uXXXX, @ as \\u0040, slashes as \\/; senders holds "
            "the person alone; tags on the thread."
        ),
        threads=(
            ExpectedThread(
                id="t_mid.3571242484251:0ce027aa84b1a1cf05",
                updated_time="2015-09-30T04:05:06+00:00",
                participants=(("2844859672999803", "Jürgen Ødegård"), ("924593745435699", "Saltmarsh Books")),
                senders=(("2844859672999803", "Jürgen Ødegård"),),
                message_count=2,
                link=(
                    "/saltmarshbooks/manager/messages/?mercurythreadid=user%3A2844859672999803&threadid=mid.357124248"
                    "4251%3A0ce027aa84b1a1cf05&folder=inbox"
                ),
                snippet="返品できますか",
                can_reply=True,
                is_subscribed=True,
                tags=("inbox", "read", "source:web"),
                messages=("m_mid.2663715390703:df5fcda21e403d5484",),
                messages_more=True,
            ),
            ExpectedThread(
                id="t_mid.9712084512521:21bd677cdfb319f40f",
                updated_time="2015-09-28T19:20:21+00:00",
                participants=(("4249217739409133", "Ngozi Brandal"), ("924593745435699", "Saltmarsh Books")),
                senders=(("4249217739409133", "Ngozi Brandal"),),
                unread_count=1,
                message_count=3,
                link=(
                    "/saltmarshbooks/manager/messages/?mercurythreadid=user%3A4249217739409133&threadid=mid.971208451"
                    "2521%3A21bd677cdfb319f40f&folder=inbox"
                ),
                snippet="Thank you!",
                can_reply=True,
                is_subscribed=True,
                tags=("inbox", "read", "source:web"),
                messages=("m_mid.8166039586275:c4cbd38cfbe2c84753",),
                messages_more=True,
            ),
        ),
        more=True,
    ),
    ThreadsSample(
        file="threads/nested-messages-limit-1.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=NAMELESS,
        shape="threads/chatshop-nested-messages-limit1",
        note="limit=1 inside: before equals after and next is present; the listing itself has no paging.",
        threads=(
            ExpectedThread(
                id="t_14901043777701364",
                updated_time="2024-07-02T13:33:08+00:00",
                messages=("m__2aeDXDrWpJB48BZXAimE4CquD8cVCRvfDLS7GxJ8HqDzTLbyy7rjoabTZr5bYt5S2H2Z6RbSreHMjcv",),
                messages_after=(
                    "QVFIULUfpz4lu6OaOMCmpBUtzYOV2RekCHAsw6EEZASj1xib7XzjNhLBc5BLpwfxBvqhaOFYZAJkgDdslik1Un6xpKZAgf1e"
                    "TRxiiTNBsVEJ8iZAwZAEsNUGDFoT7yCQOvCvchwT1rpUNzTqr5LUyWvVgYZD"
                ),
                messages_more=True,
            ),
        ),
    ),
    ThreadsSample(
        file="threads/foreign-next-host.json",
        platform=INSTAGRAM,
        origin=Origin.FIXTURE,
        source=NAMELESS,
        shape="threads/historysync-foreign-next-host",
        note=("next names a host that is not Meta's: there is more, asked from after, and the URL is never followed."),
        threads=(ExpectedThread(id="aWdfZAG06demo", updated_time="2026-09-09T09:09:09+00:00"),),
        after="next-one",
        more=True,
    ),
    ThreadsSample(
        file="threads/repeated-cursor.json",
        platform=INSTAGRAM,
        origin=Origin.FIXTURE,
        source=NAMELESS,
        shape="threads/historysync-repeated-cursor",
        note=("The answer to after=same-again: it names its own cursor; the walk must see that it stands still."),
        threads=(ExpectedThread(id="aWdfZAG06demo2", updated_time="2026-09-08T08:08:08+00:00"),),
        after="same-again",
        more=True,
    ),
    ThreadsSample(
        file="threads/ig-participants-one-item.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=NAMELESS,
        version="v25.0 (2026)",
        shape="threads/hypecrm-ig-participants",
        threads=(
            ExpectedThread(
                id="aWdfZAG06MzQwMjgyMzY2ODQxNzEwMzAxMTkwNTEyNjU1OTg1NDEzNjU2ODUx",
                updated_time="2026-05-21T14:01:37+00:00",
                participants=(("17841666859660888", "copper.kettle.repairs"), ("544205673406788", "ilse_marwick")),
            ),
        ),
    ),
    ThreadsSample(
        file="threads/next-without-cursors.json",
        platform=MESSENGER,
        origin=Origin.FIXTURE,
        source=NAMELESS,
        version="v26.0",
        shape="threads/javaclient-participant-without-email",
        note="next and no cursors: more, but no after of its own.",
        threads=(
            ExpectedThread(
                id="t_9001",
                updated_time="2026-06-06T06:06:06+00:00",
                participants=(("551", "Nameless Mail"), ("552", "Shop")),
                messages=("m_1",),
            ),
        ),
        more=True,
    ),
    ThreadsSample(
        file="threads/ig-empty.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=NAMELESS,
        version="v23.0 (2026-07)",
        shape="threads/livetest-ig-empty",
        note="Empty with no paging key, seen live: also what missing access looks like.",
    ),
    ThreadsSample(
        file="threads/senders-only-with-cursors-and-next.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=NAMELESS,
        version="v3.3",
        shape="threads/upbot-senders-only",
        note="The fullest middle page of this edge: both cursors and next.",
        threads=(
            ExpectedThread(
                id="t_605124823239222",
                senders=(("1457500407933791", "Ilse Marwick"), ("822818662011641", "Copper Kettle Repairs")),
            ),
            ExpectedThread(
                id="t_37472244001380647",
                senders=(("1457500407933791", "Ilse Marwick"), ("822818662011641", "Copper Kettle Repairs")),
            ),
            ExpectedThread(id="t_39158607399408731", senders=(("1457500407933791", "Ilse Marwick"),)),
        ),
        after=(
            "QVFIUg5NuhR9ij9SJbPvGYZA5d1iU9hqQG5VxBekfh6PSt4AMUOk7S4IhGXxXeLmFdfMMbxYspSsvu5Wqb2P6mRfBnUXei8P"
            "Y3qx47hOKT8T9puwyzHdxMOXdPtgmFp6u0QXOcRpzQPCVnHYFes5TZD"
        ),
        more=True,
    ),
    ThreadsSample(
        file="threads/paging-empty-object.json",
        platform=MESSENGER,
        origin=Origin.DOCUMENTED,
        source="contract 10 (the documents promise it)",
        note="The documented empty listing.",
    ),
    ThreadsSample(
        file="threads/paging-null.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        threads=(ExpectedThread(id="t_157220863796722", updated_time="2026-10-01T00:00:01+00:00"),),
    ),
    ThreadsSample(
        file="threads/last-page-cursors-no-next.json",
        platform=MESSENGER,
        origin=Origin.DOCUMENTED,
        source="contract 3.1",
        note="The last page still has after: after never means more.",
        threads=(ExpectedThread(id="t_91891819928727360", updated_time="2026-10-01T00:00:02+00:00"),),
        after=(
            "QVFIUxxot4wOPaJTRSto5WeQr4vOTRqXOvSrdrkz1azLDcppfVhPKLWYJ3u0HbbFBQasuMA0hlbvB0WyyPUGvkEYbvWsr1QS"
            "ltYyUGKM9uYBePKMDLW4RCVSdHtlGbOrbaPgM92SwTDHEKfizIlLSwdvLyBh5v6i5W7CZD"
        ),
    ),
    ThreadsSample(
        file="threads/last-page-with-previous.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        threads=(ExpectedThread(id="t_15767770194215115", updated_time="2026-10-01T00:00:03+00:00"),),
        after=(
            "QVFIUXYN4EJoxlfb3E28EFCPgkEwlznP9Lj8VDCNLRrOx1WIgD4Lw5hVFCDkEN1XHF0JvtA0GSsmJaVzM3pLQHoiWFlqp2tW"
            "5cNiKtxatDiEaDelJmuxEQrVhqSyO42RwvmhOM4fhYE1LWLHwZAiMwFoj9dXOb6E9OLqZD"
        ),
    ),
    ThreadsSample(
        file="threads/empty-middle-page.json",
        platform=MESSENGER,
        origin=Origin.DOCUMENTED,
        source="contract 3.1",
        note="A page emptied by filters: go on.",
        after=(
            "QVFIUjvS3sM5sFzvzCoVVPgXNfXj7wzpJTfcByzDm2mrUoyDXB3gRGtC59BBFccMMcJsFSqd0vcLXPUcEdZAKDZAI1p1JrSj"
            "vMTgSgMNh4hu6zc9Yl5GPCVq87D18wS2Hnuq9ojYwNIhIXanGU6erxpz8s5FZD"
        ),
        more=True,
    ),
    ThreadsSample(
        file="threads/cursors-null-with-next.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        threads=(ExpectedThread(id="t_46458784995906716", updated_time="2026-10-01T00:00:04+00:00"),),
        more=True,
    ),
    ThreadsSample(
        file="threads/next-null.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="JSON null is how a serialiser writes an absent member: no more.",
        threads=(ExpectedThread(id="t_33912043368175637", updated_time="2026-10-01T00:00:05+00:00"),),
        after="a",
    ),
    ThreadsSample(
        file="threads/unread-count-as-string.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="Numbers in quotes are numbers.",
        threads=(
            ExpectedThread(
                id="t_829116202783754", updated_time="2026-10-01T00:00:06+00:00", unread_count=3, message_count=12
            ),
        ),
    ),
    ThreadsSample(
        file="threads/unread-count-null.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="null is absence.",
        threads=(ExpectedThread(id="t_873909285037862", updated_time="2026-10-01T00:00:07+00:00"),),
    ),
    ThreadsSample(
        file="threads/updated-time-unix-int.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="date_format=U, or the documented UNIX timestamp: seconds in UTC.",
        threads=(ExpectedThread(id="t_443762516542519", updated_time="2026-09-21T14:13:20+00:00"),),
    ),
    ThreadsSample(
        file="threads/updated-time-unix-string.json",
        platform=INSTAGRAM,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="The documented UNIX timestamp as the documents quote it.",
        threads=(
            ExpectedThread(
                id="aWdfZAG06MzQwMjgyMzY2ODQxNzEwMzAxMzk1NzAwMzI3NzY4MTE3NjEyNzY4",
                updated_time="2026-09-21T14:13:21+00:00",
            ),
        ),
    ),
    ThreadsSample(
        file="threads/updated-time-null.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        threads=(ExpectedThread(id="t_52364661445050998"),),
    ),
    ThreadsSample(
        file="threads/updated-time-other-offset.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="Another offset is the same moment in UTC.",
        threads=(ExpectedThread(id="t_917709162106517", updated_time="2026-10-01T00:30:00+00:00"),),
    ),
    ThreadsSample(
        file="threads/updated-time-colon-offset.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        threads=(ExpectedThread(id="t_51264612800652050", updated_time="2026-10-01T00:30:00+00:00"),),
    ),
    ThreadsSample(
        file="threads/unknown-folder.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="Values of folder are unseen: any string is kept as it is.",
        threads=(
            ExpectedThread(id="t_45348558239915670", updated_time="2026-10-01T00:00:08+00:00", folder="quiet_corner"),
        ),
    ),
    ThreadsSample(
        file="threads/unknown-nested-object.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="Fields nobody knows yet go to extra with all they hold.",
        threads=(
            ExpectedThread(
                id="t_519874842455501", updated_time="2026-10-01T00:00:09+00:00", extra=("routing", "sentiment")
            ),
        ),
    ),
    ThreadsSample(
        file="threads/participants-data-empty.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        threads=(ExpectedThread(id="t_338633829510797", updated_time="2026-10-01T00:00:10+00:00"),),
    ),
    ThreadsSample(
        file="threads/participants-bare-list.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="Never seen: a list where an edge object is usual. The people are plain to read.",
        threads=(
            ExpectedThread(
                id="t_104762363536890",
                updated_time="2026-10-01T00:00:11+00:00",
                participants=(("822818662011641", "Copper Kettle Repairs"), ("1457500407933791", "Ilse Marwick")),
            ),
        ),
    ),
    ThreadsSample(
        file="threads/participants-with-paging.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        threads=(
            ExpectedThread(
                id="t_73549809004044446",
                updated_time="2026-10-01T00:00:12+00:00",
                participants=(("1457500407933791", "Ilse Marwick"), ("822818662011641", "Copper Kettle Repairs")),
            ),
        ),
    ),
    ThreadsSample(
        file="threads/participants-group-of-three.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        threads=(
            ExpectedThread(
                id="t_759431846636867",
                updated_time="2026-10-01T00:00:13+00:00",
                participants=(
                    ("1457500407933791", "Ilse Marwick"),
                    ("9121861422064822", "Tobiah Quell"),
                    ("822818662011641", "Copper Kettle Repairs"),
                ),
            ),
        ),
    ),
    ThreadsSample(
        file="threads/participant-hidden-person.json",
        platform=MESSENGER,
        origin=Origin.DOCUMENTED,
        source="contract 2.1",
        note="A hidden person is named Facebook User; an entry may hold an id and nothing else.",
        threads=(
            ExpectedThread(
                id="t_20338480841498616",
                updated_time="2026-10-01T00:00:14+00:00",
                participants=(
                    ("5325887466918339", "Facebook User"),
                    ("7752940623202041", None),
                    ("822818662011641", "Copper Kettle Repairs"),
                ),
            ),
        ),
    ),
    ThreadsSample(
        file="threads/id-as-int.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="An id as a number is its decimal text; it passes 2^53, so it must not travel as a float.",
        threads=(ExpectedThread(id="2305843009213693951", updated_time="2026-10-01T00:00:15+00:00"),),
    ),
    ThreadsSample(
        file="threads/thread-without-id-between-neighbours.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="One bad thread does not take its neighbours along.",
        threads=(
            ExpectedThread(id="t_101", updated_time="2026-10-01T00:00:18+00:00"),
            ExpectedThread(id="t_103", updated_time="2026-10-01T00:00:16+00:00"),
        ),
        malformed=("$.data[1].id",),
        after="a1",
        more=True,
    ),
    ThreadsSample(
        file="threads/bad-time-between-neighbours.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        threads=(
            ExpectedThread(id="t_201", updated_time="2026-10-01T00:00:21+00:00"),
            ExpectedThread(id="t_202", unread=("updated_time",)),
            ExpectedThread(id="t_203", updated_time="2026-10-01T00:00:19+00:00"),
        ),
    ),
    ThreadsSample(
        file="threads/null-among-threads.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        threads=(ExpectedThread(id="t_301", updated_time="2026-10-01T00:00:22+00:00"),),
        malformed=("$.data[0]",),
    ),
    ThreadsSample(
        file="threads/data-is-an-object.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="Not a listing.",
        unreadable="$.data",
    ),
    ThreadsSample(
        file="threads/data-missing.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="Not a listing.",
        unreadable="$.data",
    ),
    ThreadsSample(
        file="threads/same-id-twice.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="Decoding keeps both; the session says each id once.",
        threads=(
            ExpectedThread(id="t_501", updated_time="2026-10-01T00:00:24+00:00"),
            ExpectedThread(id="t_501", updated_time="2026-10-01T00:00:23+00:00"),
        ),
    ),
    ThreadsSample(
        file="threads/lone-surrogate-and-nul.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note=(
            "The escape of half a surrogate pair and a NUL: text is cleaned once, at the decoder, to U+FFFD; "
            "a sign that turns the writing's direction is text and stays."
        ),
        threads=(
            ExpectedThread(
                id="t_601",
                updated_time="2026-10-01T00:00:25+00:00",
                snippet="half \N{REPLACEMENT CHARACTER} a face, \N{REPLACEMENT CHARACTER} and \u202e back",
            ),
        ),
    ),
    ThreadsSample(
        file="threads/raw-escaped-thread.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="A pair of escaped surrogates is one character.",
        threads=(
            ExpectedThread(
                id="t_602",
                updated_time="2026-10-01T00:00:26+00:00",
                participants=(("88", "Jürgen"),),
                link="/822818662011641/inbox/88/",
                snippet="Grüße 😊",
            ),
        ),
    ),
    ThreadsSample(
        file="threads/debug-messages-beside-data.json",
        platform=MESSENGER,
        origin=Origin.DOCUMENTED,
        source="contract 6.7",
        note="debug=all and summary add members beside data.",
        threads=(ExpectedThread(id="t_603", updated_time="2026-10-01T00:00:27+00:00"),),
    ),
)
